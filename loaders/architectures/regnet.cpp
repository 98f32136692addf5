#include "loaders/architectures/regnet.h"

#include <fmt/ranges.h>

#include <set>

#include "engine/error.h"
#include "loaders/architectures/graph_builder.h"

namespace adaq {
namespace {

constexpr size_t kMostRegNetStages = 16;
constexpr const char* kExpectedRegNet = "a torchvision RegNetX";

std::string block_name(size_t stage, int block) {
    return fmt::format("trunk_output.block{0}.block{0}-{1}", stage + 1, block);
}

ValueId append_block(GraphBuilder& graph, const std::string& name, int64_t inputs, const RegNetX::Stage& stage,
                     int64_t stride, ValueId x) {
    const int64_t width = stage.width;
    graph.begin_unit(name);
    const auto part = [&](const char* letter, int64_t from, int64_t kernel, int64_t step, int64_t groups) {
        const std::string conv = name + ".f." + letter;
        return NormedConvolution{conv + ".0", conv + ".1", from, width, kernel, step, groups};
    };
    ValueId y = graph.relu(name + ".f.a.2", graph.convolution(part("a", inputs, 1, 1, 1), x));
    y = graph.relu(name + ".f.b.2", graph.convolution(part("b", width, 3, stride, width / stage.group_width), y));
    y = graph.convolution(part("c", width, 1, 1, 1), y);
    ValueId shortcut = x;
    if (stride != 1 || inputs != width)
        shortcut =
            graph.convolution({name + ".proj.0", name + ".proj.1", inputs, width, 1, stride, 1, 1, name + ".proj"}, x);
    y = graph.relu(name + ".activation", graph.add(name, y, shortcut));
    graph.end_unit();
    return y;
}

}  // namespace

std::string describe(const RegNetX& network) {
    std::vector<int> blocks, widths;
    std::set<int> group_widths;
    for (const RegNetX::Stage& stage : network.stages) {
        blocks.push_back(stage.blocks);
        widths.push_back(stage.width);
        group_widths.insert(stage.group_width);
    }
    return fmt::format("RegNetX (blocks {}, widths {}, groups of {}, {} classes{})", fmt::join(blocks, "-"),
                       fmt::join(widths, "-"), fmt::join(group_widths, " and "), network.classes,
                       network.input_channels == 1 ? ", grey input" : "");
}

Graph regnet_graph(const RegNetX& network) {
    GraphBuilder graph(describe(network), network.input_channels, network.folded);
    graph.begin_unit("stem");
    ValueId x = graph.relu("stem.2",
                           graph.convolution({"stem.0", "stem.1", network.input_channels, network.stem, 3, 2}, kImage));
    graph.end_unit();
    int64_t channels = network.stem;
    for (size_t s = 0; s < network.stages.size(); ++s)
        for (int i = 0; i < network.stages[s].blocks; ++i) {
            x = append_block(graph, block_name(s, i), channels, network.stages[s], i == 0 ? 2 : 1, x);
            channels = network.stages[s].width;
        }
    graph.pooled_head("fc", x, channels, network.classes, network.head_bias);
    return graph.finish();
}

RecognisedNetwork recognise_regnet(NamedTensors tensors) {
    RegNetX network;
    network.stem = tensors.extent("stem.0.weight", 4, 0);
    network.input_channels = tensors.image_channels("stem.0");
    for (size_t s = 0; tensors.has_below(block_name(s, 0) + "."); ++s) {
        if (s == kMostRegNetStages) data_error("{}: more than {} stages", tensors.file(), kMostRegNetStages);
        if (tensors.has_below(block_name(s, 0) + ".f.se."))
            data_error("{}: squeeze and excitation ({}), expected {}", tensors.file(),
                       tensors.first_below(block_name(s, 0) + ".f.se."), kExpectedRegNet);
        const Shape& grouped = tensors.telling_shape(block_name(s, 0) + ".f.b.0.weight", 4);
        if (grouped[0] % grouped[1] != 0)
            data_error("{}: {}.f.b.0.weight has {} outputs and groups of {}, expected groups of one size",
                       tensors.file(), block_name(s, 0), grouped[0], grouped[1]);
        int blocks = 1;
        while (tensors.has_below(block_name(s, blocks) + ".")) ++blocks;
        network.stages.push_back({blocks, static_cast<int>(grouped[0]), static_cast<int>(grouped[1])});
    }
    if (network.stages.empty())
        data_error("{}: {}, expected {}", tensors.file(), tensors.missing(block_name(0, 0) + ".f.a.0.weight"),
                   kExpectedRegNet);
    tensors.call_head("fc", kExpectedRegNet);
    network.classes = tensors.extent("fc.weight", 2, 0);
    network.folded = tensors.is_folded("stem.0", "stem.1");
    network.head_bias = tensors.has_bias("fc");
    int64_t blocks = 0;
    for (const RegNetX::Stage& stage : network.stages) blocks += stage.blocks;
    RecognisedNetwork found = std::move(tensors).recognised(regnet_graph(network));
    found.size = {{SizeOf::blocks, blocks}, {SizeOf::group_width, network.stages.back().group_width}};
    return found;
}

}  // namespace adaq
