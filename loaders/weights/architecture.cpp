// From shapes to an architecture: first the few tensors that tell the kind, then all of them against the list of what
// such a network has; see architecture.h.
#include "loaders/weights/architecture.h"

#include "engine/error.h"
#include "loaders/weights/network_tensors.h"
#include "loaders/weights/printable.h"

namespace adaq {
namespace {

using Shapes = std::map<std::string, Shape>;

constexpr size_t kMostStages = 16;  // the width doubles in each: more would not fit any file
constexpr int64_t kMostChannels = 1 << 20;

bool any_begins_with(const Shapes& shapes, const std::string& prefix) {
    const auto found = shapes.lower_bound(prefix);
    return found != shapes.end() && found->first.starts_with(prefix);
}

/// Why a file without conv1.weight is no ResNet of ours, as well as its names tell.
std::string kind_without_stem(const Shapes& shapes) {
    for (const char* mark : {"cls_token", "class_token", "conv_proj.", "patch_embed.", "encoder."})
        if (any_begins_with(shapes, mark)) return fmt::format("a vision transformer (it has {}...)", mark);
    if (any_begins_with(shapes, "conv1.")) return "a deep stem (conv1 is several convolutions)";
    if (any_begins_with(shapes, "features.")) return "a network of \"features.\" (VGG, AlexNet, DenseNet, MobileNet)";
    return fmt::format("no conv1.weight (it begins with {})",
                       shapes.empty() ? "nothing" : printable(shapes.begin()->first));
}

/// The shape of a tensor that tells the architecture; it must be there and have `rank` axes.
const Shape& telling_shape(const std::string& file, const Shapes& shapes, const std::string& name, size_t rank) {
    const auto found = shapes.find(name);
    if (found == shapes.end()) data_error("{}: no {}, expected a torchvision ResNet", file, name);
    const Shape& shape = found->second;
    if (shape.size() != rank)
        data_error("{}: {} has shape {}, expected {} dimensions", file, name, to_string(shape), rank);
    for (int64_t extent : shape)
        if (extent < 1 || extent > kMostChannels)
            data_error("{}: {} has shape {}, expected extents of 1 to {}", file, name, to_string(shape), kMostChannels);
    return shape;
}

void read_stem(const std::string& file, const Shapes& shapes, Architecture& architecture) {
    if (!shapes.contains("conv1.weight"))
        data_error("{}: {}, expected a torchvision ResNet", file, kind_without_stem(shapes));
    const Shape& stem = telling_shape(file, shapes, "conv1.weight", 4);
    if (stem[2] == 3 && stem[3] == 3)
        data_error("{}: a CIFAR stem (conv1 is 3x3), expected torchvision's 7x7 with stride 2", file);
    if (stem[2] != 7 || stem[3] != 7)
        data_error("{}: conv1.weight is {}x{}, expected torchvision's 7x7 stem", file, stem[2], stem[3]);
    if (stem[1] != 1 && stem[1] != 3)
        data_error("{}: conv1.weight takes {} input channels, expected 3 (RGB) or 1 (grey)", file, stem[1]);
    architecture.width = static_cast<int>(stem[0]);
    architecture.input_channels = static_cast<int>(stem[1]);
}

void read_blocks(const std::string& file, const Shapes& shapes, Architecture& architecture) {
    const auto has_block = [&](size_t stage, int block) {
        return shapes.contains(fmt::format("layer{}.{}.conv1.weight", stage, block));
    };
    for (size_t stage = 1; has_block(stage, 0); ++stage) {
        if (stage > kMostStages) data_error("{}: more than {} stages (layer{})", file, kMostStages, stage);
        int count = 1;
        while (has_block(stage, count)) ++count;
        architecture.blocks.push_back(count);
    }
    if (architecture.blocks.empty()) data_error("{}: no layer1.0.conv1.weight, expected a torchvision ResNet", file);
    if (shapes.contains("layer1.0.conv3.weight")) architecture.block = BlockKind::bottleneck;
}

/// Names the two relatives of ResNet whose tensors have the same names but other shapes.
void refuse_relatives(const std::string& file, const Shapes& shapes, const Architecture& architecture) {
    const Shape& middle = telling_shape(file, shapes, "layer1.0.conv2.weight", 4);
    if (middle[1] != middle[0] && middle[0] % middle[1] == 0)
        data_error("{}: grouped convolutions (layer1.0.conv2.weight has {} outputs but {} inputs, as in ResNeXt)", file,
                   middle[0], middle[1]);
    if (architecture.block == BlockKind::bottleneck && middle[0] != architecture.width)
        data_error("{}: layer1.0.conv2.weight has {} channels with a stem of {} (a wide ResNet?), expected as many",
                   file, middle[0], architecture.width);
}

std::string missing_because(const std::string& name) {
    if (name.ends_with(".downsample.0.weight")) return " (the block changes its shape, so torchvision has one)";
    return "";
}

void check_all(const std::string& file, const Shapes& shapes, const Architecture& architecture, bool folded) {
    const std::string whole = describe(architecture);
    std::map<std::string, Shape> expected;
    for (NamedShape& tensor : network_tensors(architecture, folded)) {
        const auto found = shapes.find(tensor.name);
        if (found == shapes.end())
            data_error("{}: no {}, expected in {}{}", file, tensor.name, whole, missing_because(tensor.name));
        if (found->second != tensor.shape)
            data_error("{}: {} has shape {}, expected {} in {}", file, tensor.name, to_string(found->second),
                       to_string(tensor.shape), whole);
        expected.emplace(std::move(tensor.name), std::move(tensor.shape));
    }
    for (const auto& [name, shape] : shapes)
        if (!expected.contains(name))
            data_error("{}: has {} of shape {}, not expected in {}", file, printable(name), to_string(shape), whole);
}

}  // namespace

Architecture architecture_of(const std::string& file, const std::map<std::string, Shape>& shapes, bool folded) {
    Architecture architecture;
    read_stem(file, shapes, architecture);
    read_blocks(file, shapes, architecture);
    refuse_relatives(file, shapes, architecture);
    architecture.classes = static_cast<int>(telling_shape(file, shapes, "fc.weight", 2)[0]);
    check_all(file, shapes, architecture, folded);
    return architecture;
}

}  // namespace adaq
