// From shapes to an architecture: first the few tensors that tell the kind, then all of them against the list of what
// such a network has; see architecture.h.
#include "loaders/weights/architecture.h"

#include "engine/error.h"
#include "engine/printable.h"
#include "loaders/weights/network_tensors.h"

namespace adaq {
namespace {

using Shapes = std::map<std::string, Shape>;

constexpr size_t kMostStages = 16;  // the width doubles in each: more would not fit any file
constexpr int64_t kMostChannels = 1 << 20;

using Others = std::map<std::string, std::string>;

/// The first name of this beginning; "" if there is none.
std::string first_below(const Shapes& shapes, const std::string& prefix) {
    const auto found = shapes.lower_bound(prefix);
    return found != shapes.end() && found->first.starts_with(prefix) ? found->first : "";
}

/// The first name below a layer that speaks of weights, or the first of all.
std::string first_weight_below(const Shapes& shapes, const std::string& layer) {
    const std::string first = first_below(shapes, layer + ".");
    for (auto at = shapes.find(first); at != shapes.end() && at->first.starts_with(layer + "."); ++at)
        if (at->first.find("weight", layer.size()) != std::string::npos) return at->first;
    return first;
}

/// Whether `layer` is a sequence of layers: "conv1.0.weight".
bool is_sequence(const Shapes& shapes, const std::string& layer) {
    const std::string first = first_below(shapes, layer + ".");
    return first.size() > layer.size() + 1 && first[layer.size() + 1] >= '0' && first[layer.size() + 1] <= '9';
}

/// What a file has of a layer in place of its weight, as tools leave it.
std::string in_place_of_weight(const Shapes& shapes, const std::string& layer) {
    const auto has = [&](const char* part) { return !first_below(shapes, layer + part).empty(); };
    if (has(".weight_orig")) return "pruned and not yet made permanent (torch.nn.utils.prune.remove)";
    if (has(".weight_g") || has(".parametrizations.")) return "parametrised (torch.nn.utils.parametrize)";
    if (has("._module_to_wrap.")) return "wrapped to simulate quantisation (AIMET)";
    if (is_sequence(shapes, layer)) return "several layers";
    const std::string first = first_below(shapes, layer + ".");
    return first.empty() ? "" : "wrapped";
}

/// "no conv1.weight, but conv1.weight_orig: conv1 is pruned ...": what is known of a weight that is not there.
std::string missing_weight(const Shapes& shapes, const Others& others, const std::string& name) {
    if (const auto other = others.find(name); other != others.end())
        return fmt::format("{} is {}, expected a tensor", name, other->second);
    const std::string layer = name.substr(0, name.rfind('.'));
    const std::string is = name.ends_with(".weight") ? in_place_of_weight(shapes, layer) : "";
    if (is.empty()) return "no " + name;
    return fmt::format("no {}, but {}: {} is {}", name, printable(first_weight_below(shapes, layer)), layer, is);
}

/// Where a ResNet stands under a prefix: "encoder.", or "" if none does.
std::string prefix_of_resnet(const Shapes& shapes) {
    constexpr std::string_view kStem = "conv1.weight";
    for (const auto& [name, shape] : shapes) {
        if (!name.ends_with(".conv1.weight") || shape.size() != 4) continue;
        const std::string prefix = name.substr(0, name.size() - kStem.size());
        if (!first_below(shapes, prefix + "layer1.0.").empty()) return prefix;
    }
    return "";
}

/// Why a file without conv1.weight is no ResNet of ours, as well as its names tell.
std::string kind_without_stem(const Shapes& shapes, const Others& others) {
    const std::string stem = missing_weight(shapes, others, "conv1.weight");
    if (is_sequence(shapes, "conv1")) return "a deep stem (conv1 is several convolutions)";
    if (stem != "no conv1.weight") return stem;
    if (const std::string prefix = prefix_of_resnet(shapes); !prefix.empty())
        return fmt::format("no conv1.weight, but {}conv1.weight: its network stands under the prefix {}",
                           printable(prefix), printable(prefix));
    for (const char* mark : {"cls_token", "class_token", "conv_proj.", "patch_embed.", "pos_embed", "encoder.layers.",
                             "encoder.pos_embedding"})
        if (!first_below(shapes, mark).empty()) return fmt::format("a vision transformer (it has {}...)", mark);
    if (!first_below(shapes, "features.").empty())
        return "a network of \"features.\" (VGG, AlexNet, DenseNet, MobileNet)";
    return fmt::format("no conv1.weight (it begins with {})",
                       shapes.empty() ? "nothing" : printable(shapes.begin()->first));
}

/// What a file without fc.weight has in its place.
std::string missing_head(const Shapes& shapes, const Others& others) {
    if (const std::string missing = missing_weight(shapes, others, "fc.weight"); missing != "no fc.weight")
        return missing;
    for (const auto& [name, shape] : shapes)
        if (shape.size() == 2 && name.ends_with("weight"))
            return fmt::format("no fc.weight, but {} of shape {}", printable(name), to_string(shape));
    return "no fc.weight and no other matrix of weights (a backbone without its last layer?)";
}

/// The shape of a tensor that tells the architecture, which is there; it must have `rank` axes.
const Shape& telling_shape(const std::string& file, const Shapes& shapes, const std::string& name, size_t rank) {
    const Shape& shape = shapes.at(name);
    if (shape.size() != rank)
        data_error("{}: {} has shape {}, expected {} dimensions", file, name, to_string(shape), rank);
    for (int64_t extent : shape)
        if (extent < 1 || extent > kMostChannels)
            data_error("{}: {} has shape {}, expected extents of 1 to {}", file, name, to_string(shape), kMostChannels);
    return shape;
}

void read_stem(const std::string& file, const Shapes& shapes, const Others& others, Architecture& architecture) {
    if (!shapes.contains("conv1.weight"))
        data_error("{}: {}, expected a torchvision ResNet", file, kind_without_stem(shapes, others));
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

void read_blocks(const std::string& file, const Shapes& shapes, const Others& others, Architecture& architecture) {
    const auto has_block = [&](size_t stage, int block) {
        return !first_below(shapes, fmt::format("layer{}.{}.", stage, block)).empty();
    };
    for (size_t stage = 1; has_block(stage, 0); ++stage) {
        if (stage > kMostStages) data_error("{}: more than {} stages (layer{})", file, kMostStages, stage);
        int count = 1;
        while (has_block(stage, count)) ++count;
        architecture.blocks.push_back(count);
    }
    if (architecture.blocks.empty())
        data_error("{}: {}, expected a torchvision ResNet", file,
                   missing_weight(shapes, others, "layer1.0.conv1.weight"));
    if (shapes.contains("layer1.0.conv3.weight")) architecture.block = BlockKind::bottleneck;
}

/// Names the two relatives of ResNet whose tensors have the same names but other shapes.
void refuse_relatives(const std::string& file, const Shapes& shapes, const Others& others,
                      const Architecture& architecture) {
    if (!shapes.contains("layer1.0.conv2.weight"))
        data_error("{}: {}, expected a torchvision ResNet", file,
                   missing_weight(shapes, others, "layer1.0.conv2.weight"));
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

void check_all(const std::string& file, const Shapes& shapes, const Others& others, const Architecture& architecture,
               bool folded) {
    const std::string whole = describe(architecture);
    std::map<std::string, Shape> expected;
    for (NamedShape& tensor : network_tensors(architecture, folded)) {
        const auto found = shapes.find(tensor.name);
        if (found == shapes.end())
            data_error("{}: {}, expected in {}{}", file, missing_weight(shapes, others, tensor.name), whole,
                       missing_because(tensor.name));
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

Architecture architecture_of(const std::string& file, const Shapes& shapes, bool folded, const Others& others) {
    Architecture architecture;
    read_stem(file, shapes, others, architecture);
    read_blocks(file, shapes, others, architecture);
    refuse_relatives(file, shapes, others, architecture);
    if (!shapes.contains("fc.weight"))
        data_error("{}: {}, expected a torchvision ResNet", file, missing_head(shapes, others));
    architecture.classes = static_cast<int>(telling_shape(file, shapes, "fc.weight", 2)[0]);
    check_all(file, shapes, others, architecture, folded);
    return architecture;
}

}  // namespace adaq
