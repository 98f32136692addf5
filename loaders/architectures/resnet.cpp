// Recognition: first the few tensors that tell the kind, then all of them against the list of what such a network has;
// see resnet.h.
#include "loaders/architectures/resnet.h"

#include <numeric>

#include "engine/error.h"
#include "engine/printable.h"

namespace adaq {
namespace {

constexpr size_t kMostResNetStages = 16;  // the width doubles in each: more would not fit any file
constexpr const char* kExpectedResNet = "a torchvision ResNet";

/// Why a file without conv1.weight is no network of ours, as well as its names tell.
std::string kind_without_stem(const NamedTensors& tensors) {
    const std::string stem = tensors.missing("conv1.weight");
    if (tensors.is_sequence("conv1")) return "a deep stem (conv1 is several convolutions)";
    if (stem != "no conv1.weight") return stem;
    for (const char* mark : {"cls_token", "class_token", "conv_proj.", "patch_embed.", "pos_embed", "encoder.layers.",
                             "encoder.pos_embedding"})
        if (tensors.has_below(mark)) return fmt::format("a vision transformer (it has {}...)", mark);
    if (tensors.has_below("features."))
        return "a network of \"features.\" that is neither a VGG nor a MobileNetV2 (AlexNet, DenseNet, EfficientNet)";
    return fmt::format("no conv1.weight (it begins with {})",
                       tensors.shapes().empty() ? "nothing" : printable(tensors.shapes().begin()->first));
}

void read_stem(const NamedTensors& tensors, ResNet& network) {
    const std::string& file = tensors.file();
    if (!tensors.has("conv1.weight"))
        data_error("{}: {}, expected {}", file, kind_without_stem(tensors), kExpectedResNet);
    const Shape& stem = tensors.telling_shape("conv1.weight", 4);
    if (stem[2] == 3 && stem[3] == 3)
        data_error("{}: a CIFAR stem (conv1 is 3x3), expected torchvision's 7x7 with stride 2", file);
    if (stem[2] != 7 || stem[3] != 7)
        data_error("{}: conv1.weight is {}x{}, expected torchvision's 7x7 stem", file, stem[2], stem[3]);
    network.width = static_cast<int>(stem[0]);
    network.input_channels = tensors.image_channels("conv1");
}

void read_blocks(const NamedTensors& tensors, ResNet& network) {
    const std::string& file = tensors.file();
    const auto has_block = [&](size_t stage, int block) {
        return tensors.has_below(fmt::format("layer{}.{}.", stage, block));
    };
    for (size_t stage = 1; has_block(stage, 0); ++stage) {
        if (stage > kMostResNetStages) data_error("{}: more than {} stages (layer{})", file, kMostResNetStages, stage);
        int count = 1;
        while (has_block(stage, count)) ++count;
        network.blocks.push_back(count);
    }
    if (network.blocks.empty())
        data_error("{}: {}, expected {}", file, tensors.missing("layer1.0.conv1.weight"), kExpectedResNet);
    if (tensors.has("layer1.0.conv3.weight")) network.block = BlockKind::bottleneck;
    if (!tensors.has("layer1.0.conv2.weight"))
        data_error("{}: {}, expected {}", file, tensors.missing("layer1.0.conv2.weight"), kExpectedResNet);
    const Shape& middle = tensors.telling_shape("layer1.0.conv2.weight", 4);
    const bool grouped = middle[1] != middle[0] && middle[0] % middle[1] == 0;
    if (network.block == BlockKind::basic) {
        if (grouped)
            data_error(
                "{}: layer1.0.conv2.weight has {} outputs but {} inputs, expected a block of three convolutions "
                "around one with groups",
                file, middle[0], middle[1]);
        return;
    }
    if (grouped) network.groups = static_cast<int>(middle[0] / middle[1]);
    if (middle[0] != network.width) network.inner = static_cast<int>(middle[0]);
}

std::string because(const std::string& name) {
    if (name.ends_with(".downsample.0.weight")) return " (the block changes its shape, so torchvision has one)";
    return "";
}

}  // namespace

RecognisedNetwork recognise_resnet(NamedTensors tensors, int output_stride) {
    ResNet network;
    network.output_stride = output_stride;
    read_stem(tensors, network);
    read_blocks(tensors, network);
    tensors.call_head("fc", kExpectedResNet);
    network.classes = tensors.extent("fc.weight", 2, 0);
    network.folded = tensors.is_folded("conv1", "bn1");
    network.head_bias = tensors.has_bias("fc");
    RecognisedNetwork found = std::move(tensors).recognised(resnet_graph(network), because);
    const int convolutions = network.block == BlockKind::basic ? 2 : 3;
    found.size = {{SizeOf::layers, 2 + convolutions * std::accumulate(network.blocks.begin(), network.blocks.end(), 0)},
                  {SizeOf::groups, network.groups},
                  {SizeOf::group_width, network.inner_width() / network.groups},
                  {SizeOf::widening, 100 * network.inner_width() / network.width}};
    return found;
}

}  // namespace adaq
