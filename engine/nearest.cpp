#include "engine/nearest.h"

#include <fmt/ranges.h>

#include <algorithm>

#include "engine/error.h"
#include "engine/passes/node_walk.h"
#include "engine/program/buffers.h"
#include "engine/statistics.h"

namespace adaq {
namespace {

void round_to_nearest(Layer& layer, const ChosenRange& range, const std::string& scheme) {
    LayerCodes codes{range.grid, scheme, range.scale, range.zero_point, {}};
    const size_t per_channel = layer.weights_per_channel();
    codes.centred.resize(layer.weight.values.size());
    for (size_t i = 0; i < codes.centred.size(); ++i) {
        const size_t group = codes.group_of(i / per_channel);
        codes.centred[i] = quantise_centred(layer.weight.values[i], codes.scale[group], codes.zero_point[group],
                                            range.grid.qmin(), range.grid.qmax());
    }
    layer.codes = std::move(codes);
}

}  // namespace

QuantisedActivation choose_activation(Device& device, const DeviceTensor& values, SchemeOptions range, int bits,
                                      const std::string& name) {
    range.bits = bits;
    const ChosenRange chosen = choose_range(device, values, 1, range, "the activation " + name);
    return {chosen.grid, range.scheme, chosen.scale[0], chosen.zero_point[0]};
}

void check_layer_names(const Network& network, const std::map<std::string, int>& bits) {
    std::vector<std::string> names;
    for (const Layer& layer : network.layers) names.push_back(layer.name);
    for (const auto& [name, count] : bits)
        if (std::find(names.begin(), names.end(), name) == names.end())
            usage_error("`bits` {}={}: no such layer; there are {}", name, count, fmt::join(names, ", "));
}

void quantise_weights(Device& device, Network& network, const WeightOptions& options,
                      const PartObserver& before_layer) {
    check_layer_names(network, options.bits);
    for (size_t i = 0; i < network.layers.size(); ++i) {
        Layer& layer = network.layers[i];
        if (before_layer) before_layer(layer.name);
        SchemeOptions range = options.range;
        const bool edge = i == 0 || i + 1 == network.layers.size();
        if (edge && options.head_stem_8bit) range.bits = 8;
        const auto own = options.bits.find(layer.name);
        if (own != options.bits.end()) range.bits = own->second;
        if (options.deployed && range.bits == 8) range.symmetric = range.narrow = true;
        const Buffer weight = device.create(layer.shape);
        device.upload(*weight, layer.weight.values);
        const int64_t groups = options.per_channel ? layer.channels() : 1;
        round_to_nearest(layer, choose_range(device, *weight, groups, range, layer.name + ".weight"), range.scheme);
    }
}

void start_activations(Device& device, Network& network, const Tensor& images, const std::vector<Site>& sites,
                       const SchemeOptions& range, const SiteObserver& observe, const PartObserver& before_node) {
    start_activations(device, network, put(device, images.shape, images.values), sites, range, observe, before_node);
}

void start_activations(Device& device, Network& network, const Buffer& images, const std::vector<Site>& sites,
                       const SchemeOptions& range, const SiteObserver& observe, const PartObserver& before_node) {
    Indexed<int> bits(network.values.size(), 32);
    ValueId last = -1;
    for (const Site& site : sites) {
        bits[site.value] = site.bits;
        last = std::max(last, site.value);
    }
    const auto start = [&](ValueId value, const DeviceTensor& values) {
        const int site_bits = bits[value];
        if (site_bits == 32) return;
        const std::string name = value_name(network.graph, value);
        network.values[value] = choose_activation(device, values, range, site_bits, name);
        if (observe) observe(value, values);
    };
    if (bits[kImage] < 32) start(kImage, *images);
    NodeWalk walk(device, network, images);
    for (int i = 0; i < last; ++i) {  // the node that makes `last` has index last - 1
        if (before_node) before_node(network.graph.node(i).name);
        start(Graph::output_of(i), *walk.compute(i));
        walk.settle(i);
    }
}

std::vector<double> output_sqnr(Device& device, const Network& original, const Network& quantised, const Tensor& images,
                                const PartObserver& before_node) {
    Indexed<double> sqnr(quantised.layers.size());
    NodeWalk exact(device, original, images), rounded(device, quantised, images);
    for (int i = 0; i < quantised.graph.node_count(); ++i) {
        const Node& node = quantised.graph.node(i);
        if (before_node) before_node(node.name);
        const Buffer x = exact.compute(i), y = rounded.compute(i);
        if (node.layer >= 0) {
            std::vector<float> a(element_count(x->shape())), b(a.size());
            device.download(*x, a);
            device.download(*y, b);
            sqnr[node.layer] = sqnr_db(a, b);
        }
        exact.settle(i);
        rounded.settle(i);
    }
    return sqnr;
}

}  // namespace adaq
