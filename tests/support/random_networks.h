// Small quantised networks with random shapes, bits, scales and zero points, for tests of execution in integers.
#pragma once

#include <algorithm>
#include <cmath>
#include <string>

#include "engine/graph/network.h"
#include "engine/graph/node_kind.h"
#include "engine/passes/sites.h"
#include "support/operations.h"

namespace adaq::test {

class RandomNetwork {
  public:
    /// Windows of every geometry, groups, average pools and ReLU6 among the layers.
    struct AnyWindows {};

    explicit RandomNetwork(uint32_t seed) : random_(seed) { build(); }
    RandomNetwork(uint32_t seed, AnyWindows /*tag*/) : random_(seed), any_windows_(true) { build(); }
    /// Activations are quantised where the policy says, instead of here and there.
    RandomNetwork(uint32_t seed, ActivationSites sites) : RandomNetwork(seed) { place(sites); }
    RandomNetwork(uint32_t seed, ActivationSites sites, AnyWindows tag) : RandomNetwork(seed, tag) { place(sites); }

    Network network;
    int64_t height = 0, width = 0;
    std::string description;

    std::vector<float> images(int64_t count) {
        return random_.reals(count * height * width * network.graph.input_channels);
    }

  private:
    void place(ActivationSites sites) {
        network.graph.units = {{"all", 0, network.graph.node_count()}};
        for (auto& value : network.values) value.reset();
        for (const Site& site : activation_sites(network.graph, {sites, 8, 8})) {
            const bool image = site.value == kImage;
            maybe_site(site.value, 1.0,
                       !image && network.graph.node(Graph::producer_of(site.value)).activation.lowest() == 0.0f);
        }
    }

    int64_t pick(int64_t lowest, int64_t highest) {
        return static_cast<int64_t>(random_.whole(static_cast<int>(lowest), static_cast<int>(highest)));
    }
    bool chance(double p) { return (random_.real() + 1.0f) / 2.0f < static_cast<float>(p); }
    float between(float lowest, float highest) { return lowest + (random_.real() + 1.0f) / 2.0f * (highest - lowest); }

    void build() {
        height = pick(4, 12);
        width = pick(4, 12);
        network.graph.input_channels = pick(1, 5);
        network.values.emplace_back();
        maybe_site(kImage, 0.5);
        ValueId x = convolution(kImage, pick(1, 9), 1);
        const int64_t blocks = pick(1, 4);
        for (int64_t i = 0; i < blocks; ++i) x = block(x);
        x = add({.kind = &node_kind("global_average_pool"), .name = "pool", .inputs = {x}});
        maybe_site(x, 0.3);
        head(x);
    }

    ValueId block(ValueId x) {
        if (any_windows_ && chance(0.2)) return average_pool(x);
        if (any_windows_ && chance(0.5)) return convolution_of_any_window(x, pick(1, 40));
        switch (pick(0, 3)) {
            case 0:
                return max_pool(x);
            case 1: {  // an addition behind a convolution, as in a residual block
                const int64_t channels = shape(x)[2];
                const ValueId y = convolution(x, channels, 1, 3, chance(0.5));
                return sum(y, chance(0.5) ? x : convolution(x, channels, 1, 1, true));
            }
            case 2: {  // of two values that both have been used
                const ValueId a = convolution(x, pick(1, 20), 1), b = convolution(x, shape(a)[2], 1);
                return sum(b, a);
            }
            default:
                return convolution(x, pick(1, 40), pick(1, 2));
        }
    }

    Shape shape(ValueId id) const { return value_shapes(network.graph, height, width)[static_cast<size_t>(id)]; }

    ValueId add(Node node) {
        node.name += std::to_string(network.graph.nodes.size());
        description += node.name + " ";
        network.graph.nodes.push_back(std::move(node));
        network.values.emplace_back();
        return network.graph.node_count();
    }

    ValueId convolution(ValueId x, int64_t outputs, int64_t stride, int64_t kernel = 0, bool plain = false) {
        const Shape in = shape(x);
        if (kernel == 0) kernel = pick(0, 2) * 2 + 1;
        const int64_t padding = stride == 1 ? kernel / 2 : pick(0, kernel / 2);
        if (std::min(in[0], in[1]) + 2 * padding < kernel) kernel = 1;
        Node node{.kind = &node_kind("convolution"), .name = "conv", .inputs = {x}};
        const int64_t border = kernel == 1 ? 0 : padding;
        node.attributes = {{"inputs", in[2]},
                           {"outputs", outputs},
                           {"kernel", std::vector<int64_t>{kernel, kernel}},
                           {"stride", std::vector<int64_t>{stride, stride}},
                           {"padding", std::vector<int64_t>(4, border)},
                           {"dilation", std::vector<int64_t>{1, 1}},
                           {"groups", int64_t{1}},
                           {"bias", int64_t{1}}};
        if (!plain && chance(0.7)) node.activation = Activation::relu();
        const bool relu = static_cast<bool>(node.activation);
        node.layer = layer({outputs, kernel, kernel, in[2]});
        const ValueId y = add(std::move(node));
        if (!plain) maybe_site(y, 0.8, relu);
        return y;
    }
    ValueId convolution_of_any_window(ValueId x, int64_t outputs) {
        const Shape in = shape(x);
        int64_t groups = 1;
        if (chance(0.5)) {
            groups = in[2];
            outputs = in[2] * (chance(0.8) ? 1 : 2);
        } else if (in[2] % 2 == 0) {
            groups = 2;
            outputs = 2 * pick(1, 10);
        }
        std::vector<int64_t> kernel, stride, dilation, padding(4);
        for (size_t axis = 0; axis < 2; ++axis) {
            kernel.push_back(pick(1, 4));
            stride.push_back(pick(1, 2));
            dilation.push_back(pick(1, 2));
            const int64_t reach = (kernel[axis] - 1) * dilation[axis] + 1;
            padding[axis] = pick(0, reach / 2);
            padding[axis + 2] = std::max(pick(0, reach / 2), reach - in[axis] - padding[axis]);
        }
        Node node{.kind = &node_kind("convolution"), .name = "conv", .inputs = {x}};
        node.attributes = {{"inputs", in[2]},    {"outputs", outputs},   {"kernel", kernel}, {"stride", stride},
                           {"padding", padding}, {"dilation", dilation}, {"groups", groups}, {"bias", int64_t{1}}};
        if (chance(0.7)) node.activation = Activation::clamp(0.0f, chance(0.5) ? 6.0f : 1.0f);
        const bool positive = static_cast<bool>(node.activation);
        node.layer = layer({outputs, kernel[0], kernel[1], in[2] / groups});
        const ValueId y = add(std::move(node));
        maybe_site(y, 0.8, positive);
        return y;
    }
    ValueId average_pool(ValueId x) {
        const Shape in = shape(x);
        if (std::min(in[0], in[1]) < 2) return x;
        const ValueId y = add({.kind = &node_kind("average_pool"),
                               .name = "average",
                               .inputs = {x},
                               .attributes = {{"kernel", std::vector<int64_t>{2, pick(1, 2)}},
                                              {"stride", std::vector<int64_t>{pick(1, 2), 1}},
                                              {"padding", std::vector<int64_t>{pick(0, 1), 0, 0, 0}},
                                              {"count_padding", pick(0, 1)}}});
        maybe_site(y, 0.5);
        return y;
    }
    ValueId max_pool(ValueId x) {
        const Shape in = shape(x);
        if (std::min(in[0], in[1]) < 3) return x;
        return add({.kind = &node_kind("max_pool"),
                    .name = "pool",
                    .inputs = {x},
                    .attributes = {{"kernel", std::vector<int64_t>{3, 3}},
                                   {"stride", std::vector<int64_t>{2, 2}},
                                   {"padding", std::vector<int64_t>(4, 1)}}});
    }
    ValueId sum(ValueId a, ValueId b) {
        Node node{.kind = &node_kind("add"), .name = "add", .inputs = {a, b}};
        if (chance(0.6)) node.activation = Activation::relu();
        const bool relu = static_cast<bool>(node.activation);
        const ValueId y = add(std::move(node));
        maybe_site(y, 0.8, relu);
        return y;
    }
    void head(ValueId x) {
        const int64_t features = shape(x)[0], outputs = pick(1, 12);
        Node node{.kind = &node_kind("linear"), .name = "fc", .inputs = {x}};
        node.attributes = {{"inputs", features}, {"outputs", outputs}, {"bias", int64_t{1}}};
        node.layer = layer({outputs, features});
        const ValueId y = add(std::move(node));
        maybe_site(y, 0.2);
    }

    int layer(Shape shape) {
        Layer made;
        made.name = "layer" + std::to_string(network.layers.size());
        made.shape = std::move(shape);
        LayerCodes codes;
        codes.grid = {static_cast<int>(pick(2, 8)), chance(0.1)};
        codes.scheme = "minmax";
        const int64_t groups = chance(0.7) ? made.channels() : 1;
        const auto lowest = static_cast<int64_t>(codes.grid.qmin()), highest = static_cast<int64_t>(codes.grid.qmax());
        const bool zeroes = chance(0.5), extremes = chance(0.2);
        for (int64_t k = 0; k < groups; ++k) {
            codes.scale.push_back(between(0.005f, 0.05f));
            codes.zero_point.push_back(zeroes ? static_cast<float>(pick(lowest, highest)) : 0.0f);
        }
        for (int64_t i = 0; i < element_count(made.shape); ++i) {
            const int64_t q = extremes ? (chance(0.9) ? highest : lowest) : pick(lowest, highest);
            codes.centred.push_back(static_cast<float>(q) -
                                    codes.zero_point[codes.group_of(i / made.weights_per_channel())]);
        }
        if (chance(0.5))  // of a batch norm
            for (int64_t k = 0; k < made.channels(); ++k) made.channel_scale.push_back(between(-1.5f, 1.5f));
        for (int64_t k = 0; k < made.channels(); ++k) made.channel_shift.push_back(between(-1.0f, 1.0f));
        made.codes = std::move(codes);
        network.layers.push_back(std::move(made));
        return static_cast<int>(network.layers.size()) - 1;
    }

    void maybe_site(ValueId id, double probability, bool positive = false) {
        if (!chance(probability)) return;
        QuantisedActivation site;
        site.grid = {static_cast<int>(pick(2, 8)), positive || chance(0.2)};
        site.scheme = "minmax";
        site.scale = between(0.5f, 6.0f) / site.grid.qmax();
        if (chance(0.4))
            site.zero_point = static_cast<float>(
                pick(static_cast<int64_t>(site.grid.qmin()), static_cast<int64_t>(site.grid.qmax())));
        network.values[static_cast<size_t>(id)] = site;
    }

    Values random_;
    bool any_windows_ = false;
};

}  // namespace adaq::test
