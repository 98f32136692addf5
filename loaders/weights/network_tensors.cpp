// The tensors of torchvision's ResNets; see network_tensors.h.
#include "loaders/weights/network_tensors.h"

#include "engine/error.h"

namespace adaq {
namespace {

/// Appends a convolution, with its bias where folded, else with its batch norm.
void add_convolution(std::vector<NamedShape>& list, const std::string& name, const Shape& shape, bool folded) {
    list.push_back({name + ".weight", shape});
    if (folded) {
        list.push_back({name + ".bias", {shape[0]}});
        return;
    }
    for (const char* part : {".weight", ".bias", ".running_mean", ".running_var"})
        list.push_back({batch_norm_of(name) + part, {shape[0]}});
}

/// Appends block `name`, `inputs` channels in; returns the channels out.
int64_t add_block(std::vector<NamedShape>& list, const std::string& name, BlockKind kind, int64_t inputs,
                  int64_t planes, bool strided, bool folded) {
    const int64_t outputs = kind == BlockKind::basic ? planes : 4 * planes;
    if (kind == BlockKind::basic) {
        add_convolution(list, name + ".conv1", {planes, inputs, 3, 3}, folded);
        add_convolution(list, name + ".conv2", {planes, planes, 3, 3}, folded);
    } else {
        add_convolution(list, name + ".conv1", {planes, inputs, 1, 1}, folded);
        add_convolution(list, name + ".conv2", {planes, planes, 3, 3}, folded);
        add_convolution(list, name + ".conv3", {outputs, planes, 1, 1}, folded);
    }
    if (strided || inputs != outputs) add_convolution(list, name + ".downsample.0", {outputs, inputs, 1, 1}, folded);
    return outputs;
}

}  // namespace

std::vector<NamedShape> network_tensors(const Architecture& architecture, bool folded) {
    std::vector<NamedShape> list;
    int64_t channels = architecture.width;
    add_convolution(list, "conv1", {channels, architecture.input_channels, 7, 7}, folded);
    int64_t planes = architecture.width;
    for (size_t stage = 0; stage < architecture.blocks.size(); ++stage, planes *= 2)
        for (int block = 0; block < architecture.blocks[stage]; ++block)
            channels = add_block(list, fmt::format("layer{}.{}", stage + 1, block), architecture.block, channels,
                                 planes, stage > 0 && block == 0, folded);
    list.push_back({"fc.weight", {architecture.classes, channels}});
    list.push_back({"fc.bias", {architecture.classes}});
    return list;
}

std::vector<std::string> activation_sites(const Architecture& architecture) {
    std::vector<std::string> sites{"input", "conv1"};
    const int convolutions = architecture.block == BlockKind::basic ? 2 : 3;
    for (size_t stage = 0; stage < architecture.blocks.size(); ++stage)
        for (int block = 0; block < architecture.blocks[stage]; ++block) {
            const std::string name = fmt::format("layer{}.{}", stage + 1, block);
            for (int i = 1; i <= convolutions; ++i) sites.push_back(fmt::format("{}.conv{}", name, i));
            if (block == 0) sites.push_back(name + ".downsample");
            sites.push_back(name);
        }
    sites.push_back("fc");
    return sites;
}

std::string describe(const Architecture& architecture) {
    const bool basic = architecture.block == BlockKind::basic;
    int layers = 2;  // the stem and fc
    std::string blocks;
    for (int count : architecture.blocks) {
        layers += count * (basic ? 2 : 3);
        blocks += (blocks.empty() ? "" : "-") + std::to_string(count);
    }
    return fmt::format("ResNet-{} ({} blocks {}, width {}, {} classes{})", layers, basic ? "basic" : "bottleneck",
                       blocks, architecture.width, architecture.classes,
                       architecture.input_channels == 1 ? ", grey input" : "");
}

}  // namespace adaq
