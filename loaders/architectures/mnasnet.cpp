#include "loaders/architectures/mnasnet.h"

#include <fmt/ranges.h>

#include <array>

#include "engine/error.h"

namespace adaq {
namespace {

constexpr std::array kMnasNetStrides{2, 2, 2, 1, 2, 1};
constexpr int kFirstStage = 8;  // among torchvision's layers
constexpr const char* kExpectedMnasNet = "a torchvision MNASNet";

InvertedResidualNames names_of(const std::string& block) {
    const std::string layers = block + ".layers.";
    return {{layers + "0", layers + "1"}, {layers + "3", layers + "4"}, {layers + "6", layers + "7"}};
}

std::string block_name(size_t stage, int64_t block) { return fmt::format("layers.{}.{}", kFirstStage + stage, block); }

}  // namespace

std::string describe(const MnasNet& network) {
    std::vector<size_t> blocks;
    std::vector<int64_t> widths{network.stem, network.separable};
    for (const auto& stage : network.stages) {
        blocks.push_back(stage.size());
        widths.push_back(stage.back().outputs);
    }
    widths.push_back(network.last);
    return fmt::format("MNASNet (blocks {}, widths {}, {} classes{})", fmt::join(blocks, "-"), fmt::join(widths, "-"),
                       network.classes, network.input_channels == 1 ? ", grey input" : "");
}

Graph mnasnet_graph(const MnasNet& network) {
    constexpr BlockActivation kActivation = BlockActivation::relu;
    const InvertedResidualNames separable{{}, {"layers.3", "layers.4"}, {"layers.6", "layers.7"}};
    GraphBuilder graph(describe(network), network.input_channels, network.folded);
    ValueId x = append_normed_unit(graph, "stem", {"layers.0", "layers.1", network.input_channels, network.stem, 3, 2},
                                   kActivation, kImage);
    x = append_inverted_residual(graph, "layers.3", separable, {network.stem, network.separable, 3, 1, false},
                                 kActivation, network.stem, x);
    int64_t channels = network.separable;
    for (size_t stage = 0; stage < network.stages.size(); ++stage)
        for (size_t i = 0; i < network.stages[stage].size(); ++i) {
            const InvertedResidual& block = network.stages[stage][i];
            const std::string name = block_name(stage, static_cast<int64_t>(i));
            x = append_inverted_residual(graph, name, names_of(name), block, kActivation, channels, x);
            channels = block.outputs;
        }
    x = append_normed_unit(graph, "layers.14", {"layers.14", "layers.15", channels, network.last}, kActivation, x);
    graph.pooled_head("classifier.1", x, network.last, network.classes, network.head_bias);
    return graph.finish();
}

RecognisedNetwork recognise_mnasnet(NamedTensors tensors) {
    MnasNet network;
    network.stem = tensors.extent("layers.0.weight", 4, 0);
    network.input_channels = tensors.image_channels("layers.0");
    network.separable = tensors.extent("layers.6.weight", 4, 0);
    for (size_t stage = 0; stage < kMnasNetStrides.size(); ++stage) {
        std::vector<InvertedResidual>& blocks = network.stages.emplace_back();
        do {
            const std::string name = block_name(stage, std::ssize(blocks));
            blocks.push_back(
                read_inverted_residual(tensors, names_of(name), blocks.empty() ? kMnasNetStrides[stage] : 1));
        } while (tensors.has_below(block_name(stage, std::ssize(blocks)) + "."));
    }
    network.last = tensors.extent("layers.14.weight", 4, 0);
    tensors.call_head("classifier.1", kExpectedMnasNet);
    network.classes = tensors.extent("classifier.1.weight", 2, 0);
    network.folded = tensors.is_folded("layers.0", "layers.1");
    network.head_bias = tensors.has_bias("classifier.1");
    RecognisedNetwork found = std::move(tensors).recognised(mnasnet_graph(network));
    found.size = {{SizeOf::last_width, network.stages.back().back().outputs}};
    return found;
}

}  // namespace adaq
