#include "loaders/architectures/mobilenet_v2.h"

#include <fmt/ranges.h>

#include <array>
#include <numeric>

#include "engine/error.h"

namespace adaq {
namespace {

constexpr std::array kMobileNetStrides{1, 2, 2, 2, 1, 2, 1};
constexpr const char* kExpectedMobileNet = "a torchvision MobileNetV2";

/// Block i of the network; a first block that does not widen has two convolutions.
InvertedResidualNames names_of(int index, bool expands) {
    const std::string conv = fmt::format("features.{}.conv.", index);
    if (!expands) return {{}, {conv + "0.0", conv + "0.1"}, {conv + "1", conv + "2"}};
    return {{conv + "0.0", conv + "0.1"}, {conv + "1.0", conv + "1.1"}, {conv + "2", conv + "3"}};
}

std::string last_name(const MobileNetV2& network) { return fmt::format("features.{}.", network.blocks.size() + 1); }

}  // namespace

std::string describe(const MobileNetV2& network) {
    std::vector<int64_t> widths{network.stem};
    for (const InvertedResidual& block : network.blocks)
        if (block.outputs != widths.back()) widths.push_back(block.outputs);
    widths.push_back(network.last);
    return fmt::format("MobileNetV2 ({} inverted residuals, widths {}, {} classes{})", network.blocks.size(),
                       fmt::join(widths, "-"), network.classes, network.input_channels == 1 ? ", grey input" : "");
}

Graph mobilenet_v2_graph(const MobileNetV2& network) {
    constexpr BlockActivation kActivation = BlockActivation::relu6;
    GraphBuilder graph(describe(network), network.input_channels, network.folded);
    ValueId x =
        append_normed_unit(graph, "stem", {"features.0.0", "features.0.1", network.input_channels, network.stem, 3, 2},
                           kActivation, kImage);
    int64_t channels = network.stem;
    for (size_t i = 0; i < network.blocks.size(); ++i) {
        const InvertedResidual& block = network.blocks[i];
        const int index = static_cast<int>(i) + 1;
        x = append_inverted_residual(graph, fmt::format("features.{}", index),
                                     names_of(index, block.hidden != channels), block, kActivation, channels, x);
        channels = block.outputs;
    }
    const std::string last = last_name(network);
    x = append_normed_unit(graph, last.substr(0, last.size() - 1), {last + "0", last + "1", channels, network.last},
                           kActivation, x);
    graph.pooled_head("classifier.1", x, network.last, network.classes, network.head_bias);
    return graph.finish();
}

RecognisedNetwork recognise_mobilenet_v2(NamedTensors tensors, const std::vector<int>& repeats) {
    MobileNetV2 network;
    network.stem = tensors.extent("features.0.0.weight", 4, 0);
    network.input_channels = tensors.image_channels("features.0.0");
    int blocks = 0;
    while (tensors.has_below(fmt::format("features.{}.conv.", blocks + 1))) ++blocks;
    if (repeats.size() != kMobileNetStrides.size() || std::accumulate(repeats.begin(), repeats.end(), 0) != blocks)
        data_error("{}: {} inverted residuals, expected the 17 of a MobileNetV2, whose strides are known",
                   tensors.file(), blocks);
    for (size_t stage = 0; stage < repeats.size(); ++stage)
        for (int i = 0; i < repeats[stage]; ++i) {
            const int index = static_cast<int>(network.blocks.size()) + 1;
            const auto has = [&](const char* layer) {
                return tensors.has_below(fmt::format("features.{}.conv.{}.", index, layer));
            };
            const bool expands = has("1.0") || has("1.1") || has("3");
            network.blocks.push_back(
                read_inverted_residual(tensors, names_of(index, expands), i == 0 ? kMobileNetStrides[stage] : 1));
        }
    network.last = tensors.extent(last_name(network) + "0.weight", 4, 0);
    tensors.call_head("classifier.1", kExpectedMobileNet);
    network.classes = tensors.extent("classifier.1.weight", 2, 0);
    network.folded = tensors.is_folded("features.0.0", "features.0.1");
    network.head_bias = tensors.has_bias("classifier.1");
    return std::move(tensors).recognised(mobilenet_v2_graph(network));
}

}  // namespace adaq
