#include "report/describe.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "engine/graph/node_kind.h"
#include "engine/grid.h"
#include "engine/statistics.h"

namespace adaq {
namespace {

/// Integers up to here are exact in float32, and so is every sum of products that stays below it.
constexpr double kExactLimit = 16777216.0;  // 2^24

struct Rounding {
    double signal = 0.0, noise = 0.0;
    int64_t clipped = 0;

    void see(float x, ScaleZero q, Grid grid, double rounded) {
        signal += static_cast<double>(x) * x;
        noise += (rounded - x) * (rounded - x);
        const float integer = std::rint(x / q.scale) + q.zero_point;
        clipped += integer < grid.qmin() || integer > grid.qmax();
    }
};

/// The quantiser of a layer's input, through pooling that keeps codes; null where the input is float.
const QuantisedActivation* input_quantiser(const Network& network, const Node& node) {
    ValueId value = node.inputs[0];
    while (value != kImage) {
        const Node& producer = network.graph.nodes[Graph::producer_of(value)];
        if (!producer.kind->keeps_codes()) break;
        value = producer.inputs[0];
    }
    const auto& quantiser = network.values[value];
    return quantiser ? &*quantiser : nullptr;
}

std::optional<bool> sums_exactly(const Network& network, const Node& node, const Layer& layer) {
    const QuantisedActivation* input = input_quantiser(network, node);
    if (!input || !layer.codes) return std::nullopt;
    const double largest =
        std::max(std::fabs(input->grid.qmin() - input->zero_point), std::fabs(input->grid.qmax() - input->zero_point));
    const size_t per_channel = layer.weights_per_channel();
    const auto& codes = layer.codes->centred;
    for (size_t first = 0; first < codes.size(); first += per_channel) {
        double sum = 0;
        for (size_t i = first; i < first + per_channel; ++i) sum += std::fabs(codes[i]);
        if (sum * largest >= kExactLimit) return false;
    }
    return true;
}

/// The group whose scale is the middle one.
size_t median_group(const std::vector<float>& scales) {
    std::vector<size_t> order(scales.size());
    for (size_t i = 0; i < order.size(); ++i) order[i] = i;
    const auto middle = order.begin() + static_cast<std::ptrdiff_t>(order.size() / 2);
    std::nth_element(order.begin(), middle, order.end(),
                     [&](size_t a, size_t b) { return std::pair(scales[a], a) < std::pair(scales[b], b); });
    return *middle;
}

WeightReport describe(const Network& network, const Node& node, bool per_channel, const Shape& output) {
    const Layer& layer = network.layers[node.layer];
    const LayerCodes& codes = *layer.codes;
    WeightReport row;
    row.name = layer.name;
    row.shape =
        layer.shape.size() == 4 ? Shape{layer.shape[0], layer.shape[3], layer.shape[1], layer.shape[2]} : layer.shape;
    row.grid = codes.grid;
    row.scheme = codes.scheme;
    row.per_channel = per_channel || codes.scale.size() > 1;
    row.scale = spread_of(codes.scale);
    const auto [lowest, highest] = std::minmax_element(codes.zero_point.begin(), codes.zero_point.end());
    row.zero_point_min = *lowest;
    row.zero_point_max = *highest;
    const size_t typical = median_group(codes.scale);
    row.typical = {codes.scale[typical], codes.zero_point[typical]};
    row.typical_channel = static_cast<int64_t>(typical);

    const size_t elements = layer.weights_per_channel();
    std::vector<float> values(codes.centred.size());
    std::vector<double> largest(codes.scale.size());
    Rounding rounding;
    for (size_t i = 0; i < values.size(); ++i) {
        const size_t group = codes.group_of(i / elements);
        const float rounded = codes.centred[i] * codes.scale[group];
        values[i] = layer.weight.values.empty() ? rounded : layer.weight.values[i];
        largest[group] = std::max(largest[group], std::fabs(static_cast<double>(values[i])));
        rounding.see(values[i], {codes.scale[group], codes.zero_point[group]}, codes.grid, rounded);
    }
    row.empty_groups = std::count(largest.begin(), largest.end(), 0.0);
    if (!layer.weight.values.empty()) {
        row.weight_sqnr_db = sqnr_db(rounding.signal, rounding.noise);
        row.clipped_share = static_cast<double>(rounding.clipped) / static_cast<double>(values.size());
    }
    row.histogram = histogram_of(values);
    const int64_t positions = output.size() == 3 ? output[0] * output[1] : 1;
    row.multiply_accumulates = positions * element_count(layer.shape);
    row.exact_sums = sums_exactly(network, node, layer);
    return row;
}

}  // namespace

std::vector<WeightReport> describe_weights(const Network& network, bool per_channel, const Indexed<Shape>& shapes,
                                           const std::vector<double>& output_sqnr) {
    std::vector<WeightReport> rows;
    for (size_t i = 0; i < network.graph.nodes.size(); ++i) {
        const Node& node = network.graph.nodes[i];
        if (node.layer < 0 || !network.layers[node.layer].codes) continue;
        rows.push_back(describe(network, node, per_channel, shapes[i + 1]));
        if (!output_sqnr.empty()) rows.back().output_sqnr_db = output_sqnr[node.layer];
    }
    return rows;
}

ActivationReport describe_activation(const std::string& name, const QuantisedActivation& q,
                                     std::span<const float> values) {
    ActivationReport row;
    row.name = name;
    row.grid = q.grid;
    row.scheme = q.scheme;
    row.quantiser = {q.scale, q.zero_point};
    row.observed = !values.empty();
    if (!row.observed) return row;
    Rounding rounding;
    for (float x : values)
        rounding.see(x, row.quantiser, q.grid, fake_quantise(x, q.scale, q.zero_point, q.grid.qmin(), q.grid.qmax()));
    const auto [lowest, highest] = std::minmax_element(values.begin(), values.end());
    row.observed_min = *lowest;
    row.observed_max = *highest;
    row.sqnr_db = sqnr_db(rounding.signal, rounding.noise);
    row.clipped_share = static_cast<double>(rounding.clipped) / static_cast<double>(values.size());
    row.histogram = histogram_of(values);
    return row;
}

Sizes describe_sizes(const Network& network, const StoredModel& original) {
    Sizes sizes;
    for (const auto& [name, tensor] : original.tensors) sizes.float32 += 4 * tensor.size();
    int64_t activations = 0;
    for (const auto& value : network.values) activations += value.has_value();
    sizes.scales = 8 * activations;  // a float scale and an integer zero point
    for (const Layer& layer : network.layers) {
        const int64_t count = element_count(layer.shape);
        if (layer.weight.values.empty()) sizes.float32 += 4 * count;  // loaded as codes: not among the tensors
        if (!layer.codes) {
            sizes.rest += 4 * count;
        } else {
            sizes.codes += (count * layer.codes->grid.bits + 7) / 8;
            sizes.scales += 8 * static_cast<int64_t>(layer.codes->scale.size());
        }
        // Folded, a layer keeps a bias; kept, a batch norm has four vectors.
        sizes.rest += 4 * layer.channels() * (layer.channel_scale.empty() ? 1 : 4);
    }
    return sizes;
}

std::string precision_label(const Network& network) {
    std::set<int> weights, activations;
    // The first and last layer may have 8 bits of their own; the label is about those between.
    for (size_t i = 0; i < network.layers.size(); ++i) {
        const bool edge = i == 0 || i + 1 == network.layers.size();
        if (network.layers[i].codes && !edge) weights.insert(network.layers[i].codes->grid.bits);
    }
    for (size_t v = 1; v < network.values.size(); ++v) {
        if (network.values[v]) activations.insert(network.values[v]->grid.bits);
    }
    if (weights.empty()) return "";
    const auto text = [](const std::set<int>& bits) { return fmt::format("{}", *bits.begin()); };
    return "W" + text(weights) + (activations.empty() ? "A32" : "A" + text(activations));
}

}  // namespace adaq
