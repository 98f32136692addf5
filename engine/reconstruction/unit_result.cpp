#include "engine/reconstruction/unit_result.h"

#include "engine/error.h"

namespace adaq {

UnitResult result_of(const Network& network, const Unit& unit, UnitRecord record) {
    UnitResult result;
    for (int i = unit.first; i < unit.last; ++i) {
        const Node& node = network.graph.node(i);
        if (node.layer >= 0) {
            const Layer& layer = network.layers[node.layer];
            UnitResult::LayerResult learned{node.layer, layer.codes->centred, layer.codes->scale, {}, {}, {}};
            if (!layer.norm) {
                learned.bias = layer.channel_shift;
            } else {
                learned.running_mean = layer.norm->mean;
                learned.running_variance = layer.norm->variance;
            }
            result.layers.push_back(std::move(learned));
        }
        const ValueId value = Graph::output_of(i);
        if (const auto& q = network.values[value]) result.scales.emplace_back(value, q->scale);
    }
    result.record = std::move(record);
    return result;
}

void put_result(Network& network, const UnitResult& result) {
    for (const UnitResult::LayerResult& learned : result.layers) {
        if (learned.layer < 0 || learned.layer >= network.layers.count())
            data_error("{}: no layer {} in this network", result.record.name, learned.layer);
        Layer& layer = network.layers[learned.layer];
        const size_t norms = layer.norm ? layer.norm->mean.size() : 0,
                     biases = layer.norm ? 0 : layer.channel_shift.size();
        if (!layer.codes || learned.centred.size() != layer.codes->centred.size() ||
            learned.weight_scale.size() != layer.codes->scale.size() || learned.bias.size() != biases ||
            learned.running_mean.size() != norms || learned.running_variance.size() != norms)
            data_error("{}: what was learned is of another size than {}", result.record.name, layer.name);
        layer.codes->centred = learned.centred;
        layer.codes->scale = learned.weight_scale;
        if (!layer.norm) {
            layer.channel_shift = learned.bias;
            continue;
        }
        KeptNorm norm = *layer.norm;
        norm.mean = learned.running_mean;
        norm.variance = learned.running_variance;
        layer.keep(std::move(norm));
    }
    for (const auto& [value, scale] : result.scales) {
        const bool known = value >= 0 && value < network.values.count();
        if (!known || !network.values[value])
            data_error("{}: value {} is no activation site of this network", result.record.name, value);
        network.values[value]->scale = scale;
    }
}

}  // namespace adaq
