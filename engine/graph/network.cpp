#include "engine/graph/network.h"

#include <algorithm>
#include <cmath>

#include "engine/error.h"
#include "engine/passes/fuse.h"

namespace adaq {
namespace {

constexpr const char *kRunningMean = ".running_mean", *kRunningVariance = ".running_var";

/// visit(filter, file, engine) for each weight: where it stands in files, K,C,R,S, and in the network, K,R,S,C. A
/// matrix that is multiplied with a map has its columns in these orders, any other is the same in both.
template <typename Visit>
void for_each_weight(const Shape& kcrs, int64_t positions, const Visit& visit) {
    const int64_t taps = kcrs.size() == 4 ? kcrs[2] * kcrs[3] : positions;
    const int64_t channels = element_count(kcrs) / (kcrs[0] * taps);
    for (int64_t k = 0; k < kcrs[0]; ++k)
        for (int64_t t = 0; t < taps; ++t)
            for (int64_t c = 0; c < channels; ++c)
                visit(k, (k * channels + c) * taps + t, (k * taps + t) * channels + c);
}

/// From the order of files to the network's, and back.
template <typename T>
std::vector<T> reorder_filters(const std::vector<T>& from, const Shape& kcrs, int64_t positions, bool to_krsc) {
    if (kcrs.size() != 4 && positions == 1) return from;
    std::vector<T> to(from.size());
    for_each_weight(kcrs, positions, [&](int64_t, int64_t file, int64_t engine) {
        (to_krsc ? to[engine] : to[file]) = to_krsc ? from[file] : from[engine];
    });
    return to;
}

Shape krsc(const Shape& kcrs) { return kcrs.size() == 4 ? Shape{kcrs[0], kcrs[2], kcrs[3], kcrs[1]} : kcrs; }
Shape kcrs(const Shape& krsc_shape) {
    return krsc_shape.size() == 4 ? Shape{krsc_shape[0], krsc_shape[3], krsc_shape[1], krsc_shape[2]} : krsc_shape;
}

class Maker {
  public:
    Maker(const StoredModel& model, bool fold) : model_(model), fold_(fold) {}

    Network make() {
        Fused fused = fuse(model_.graph);
        Network network;
        network.graph = std::move(fused.graph);
        network.folded = model_.quantisation ? model_.quantisation->folded : fold_;
        for (const LayerNames& names : fused.layers) network.layers.push_back(layer(names));
        network.values.resize(network.graph.nodes.size() + 1);
        if (!model_.quantisation) return network;
        network.arithmetic = model_.quantisation->arithmetic;
        for (ValueId v = 0; v < network.values.count(); ++v) {
            const auto found = model_.quantisation->activations.find(value_name(network.graph, v));
            if (found != model_.quantisation->activations.end()) network.values[v] = found->second;
        }
        return network;
    }

  private:
    Layer layer(const LayerNames& names) const {
        Layer made;
        made.name = names.layer;
        made.norm_name = names.norm;
        made.positions = names.positions;
        const std::string weight_name = names.layer + ".weight";
        const QuantisedWeight* quantised = nullptr;
        if (model_.quantisation) {
            const auto found = model_.quantisation->weights.find(weight_name);
            if (found != model_.quantisation->weights.end()) quantised = &found->second;
        }
        if (quantised) {
            made.shape = krsc(quantised->shape);
            made.codes = codes(*quantised, names.positions);
        } else {
            const Tensor& weight = tensor(weight_name);
            made.shape = krsc(weight.shape);
            made.weight = Tensor(made.shape, reorder_filters(weight.values, weight.shape, names.positions, true));
        }
        if (!names.norm.empty())
            apply_batch_norm(made, names.epsilon);
        else if (model_.tensors.count(names.layer + ".bias"))
            take_bias(made, names.layer + ".bias");
        else
            made.channel_shift.resize(made.channels());
        return made;
    }

    void take_bias(Layer& layer, const std::string& name) const {
        layer.channel_shift = tensor(name).values;
        if (!model_.quantisation) return;
        const auto found = model_.quantisation->biases.find(name);
        if (found != model_.quantisation->biases.end()) layer.bias_codes = found->second;
    }

    static LayerCodes codes(const QuantisedWeight& quantised, int64_t positions) {
        LayerCodes made{quantised.grid, quantised.scheme, quantised.scale, quantised.zero_point, {}};
        made.centred.resize(quantised.codes.size());
        for_each_weight(quantised.shape, positions, [&](int64_t k, int64_t file, int64_t engine) {
            made.centred[engine] = static_cast<float>(quantised.codes[file]) - made.zero_point[made.group_of(k)];
        });
        return made;
    }

    void apply_batch_norm(Layer& layer, double epsilon) const {
        const std::string& bn = layer.norm_name;
        KeptNorm norm{tensor(bn + ".weight").values, tensor(bn + ".bias").values, tensor(bn + kRunningMean).values,
                      tensor(bn + kRunningVariance).values, epsilon};
        // What a bias adds before the norm is taken off its mean.
        if (const auto bias = model_.tensors.find(layer.name + ".bias"); bias != model_.tensors.end())
            for (size_t k = 0; k < norm.mean.size(); ++k) norm.mean[k] -= bias->second.values[k];
        layer.keep(std::move(norm));
        if (!fold_ || model_.quantisation) return;
        layer.fold();
    }

    const Tensor& tensor(const std::string& name) const {
        const auto found = model_.tensors.find(name);
        require(found != model_.tensors.end(), "make_network: the model has no tensor {}", name);
        return found->second;
    }

    const StoredModel& model_;
    bool fold_;
};

QuantisedWeight quantised_weight(const Layer& layer) {
    const LayerCodes& codes = *layer.codes;
    QuantisedWeight weight;
    weight.shape = kcrs(layer.shape);
    weight.grid = codes.grid;
    weight.scheme = codes.scheme;
    weight.scale = codes.scale;
    weight.zero_point = codes.zero_point;
    std::vector<int16_t> q(codes.centred.size());
    const size_t per_channel = layer.weights_per_channel();
    for (size_t i = 0; i < q.size(); ++i)
        q[i] = static_cast<int16_t>(codes.centred[i] + codes.zero_point[codes.group_of(i / per_channel)]);
    weight.codes = reorder_filters(q, weight.shape, layer.positions, false);
    return weight;
}

}  // namespace

void Layer::keep(KeptNorm kept) {
    channel_scale.resize(channels());
    channel_shift.resize(channels());
    for (int64_t k = 0; k < channels(); ++k) {
        const double s = kept.gamma[k] / std::sqrt(static_cast<double>(kept.variance[k]) + kept.epsilon);
        channel_scale[k] = static_cast<float>(s);
        channel_shift[k] = static_cast<float>(kept.beta[k] - kept.mean[k] * s);
    }
    norm = std::move(kept);
}

void Layer::fold() {
    const size_t per_channel = weights_per_channel();
    for (size_t i = 0; i < weight.values.size(); ++i) weight.values[i] *= channel_scale[i / per_channel];
    channel_scale.clear();
    norm.reset();
}

bool Network::quantised() const {
    return std::any_of(layers.begin(), layers.end(), [](const Layer& layer) { return layer.codes.has_value(); });
}

Network make_network(const StoredModel& model, bool fold) { return Maker(model, fold).make(); }

StoredModel quantised_model(const Network& network, const StoredModel& original, const std::string& settings) {
    StoredModel model = original;
    if (network.folded) model.graph = without_norms(original.graph);
    model.quantisation = Quantisation{};
    model.quantisation->folded = network.folded;
    model.quantisation->arithmetic = network.arithmetic;
    model.quantisation->settings = settings;
    std::map<std::string, Tensor> made;  // what the network has otherwise than the original
    for (const Layer& layer : network.layers) {
        require(layer.codes.has_value(), "quantised_model: {} is not quantised", layer.name);
        model.quantisation->weights[layer.name + ".weight"] = quantised_weight(layer);
        if (!layer.norm) {  // a norm's, folded, or one that may have been learned
            made[layer.name + ".bias"] = Tensor({layer.channels()}, layer.channel_shift);
            if (layer.bias_codes) model.quantisation->biases[layer.name + ".bias"] = *layer.bias_codes;
        } else {  // its statistics may have moved
            made[layer.norm_name + kRunningMean] = Tensor({layer.channels()}, layer.norm->mean);
            made[layer.norm_name + kRunningVariance] = Tensor({layer.channels()}, layer.norm->variance);
            const std::string bias = layer.name + ".bias";  // in the mean by now
            if (original.tensors.contains(bias)) made[bias] = Tensor({layer.channels()});
        }
    }
    // A layer without a bias may have learned one.
    for (Node& node : model.graph.nodes)
        if (made.contains(node.name + ".bias")) node.attributes["bias"] = int64_t{1};
    model.tensors.clear();
    for (const NamedShape& parameter : parameters_of(model.graph)) {
        if (model.quantisation->weights.contains(parameter.name)) continue;
        const auto found = made.find(parameter.name);
        model.tensors[parameter.name] = found != made.end() ? found->second : original.tensors.at(parameter.name);
    }
    for (ValueId v = 0; v < network.values.count(); ++v) {
        const auto& value = network.values[v];
        if (value) model.quantisation->activations[value_name(network.graph, v)] = *value;
    }
    return model;
}

}  // namespace adaq
