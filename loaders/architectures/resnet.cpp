// Recognition: first the few tensors that tell the kind, then all of them against the list of what such a network has;
// see resnet.h.
#include "loaders/architectures/resnet.h"

#include <algorithm>
#include <array>

#include "engine/error.h"
#include "engine/printable.h"
#include "loaders/weights/checks.h"

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

/// Where ResNets stand: "" where one has no prefix, "encoder.".
std::vector<std::string> prefixes_of_resnets(const Shapes& shapes) {
    constexpr std::string_view kStem = "conv1.weight";
    if (shapes.contains(std::string(kStem))) return {""};
    std::vector<std::string> prefixes;
    for (const auto& [name, shape] : shapes) {
        if (!name.ends_with(".conv1.weight") || shape.size() != 4) continue;
        const std::string prefix = name.substr(0, name.size() - kStem.size());
        if (!first_below(shapes, prefix + "layer1.0.").empty()) prefixes.push_back(prefix);
    }
    return prefixes;
}

/// Why a file without conv1.weight is no ResNet of ours, as well as its names tell.
std::string kind_without_stem(const Shapes& shapes, const Others& others) {
    const std::string stem = missing_weight(shapes, others, "conv1.weight");
    if (is_sequence(shapes, "conv1")) return "a deep stem (conv1 is several convolutions)";
    if (stem != "no conv1.weight") return stem;
    for (const char* mark : {"cls_token", "class_token", "conv_proj.", "patch_embed.", "pos_embed", "encoder.layers.",
                             "encoder.pos_embedding"})
        if (!first_below(shapes, mark).empty()) return fmt::format("a vision transformer (it has {}...)", mark);
    if (!first_below(shapes, "features.").empty())
        return "a network of \"features.\" (VGG, AlexNet, DenseNet, MobileNet)";
    return fmt::format("no conv1.weight (it begins with {})",
                       shapes.empty() ? "nothing" : printable(shapes.begin()->first));
}

/// The names that people give the last layer: by itself, or behind what has no parameters (a dropout).
constexpr std::array<const char*, 10> kHeads{"fc",     "fc.0",       "fc.1",         "head.fc",      "head",
                                             "head.1", "classifier", "classifier.0", "classifier.1", "last_linear"};

/// Throws what a file without a last layer has in its place.
[[noreturn]] void refuse_head(const std::string& file, const Shapes& shapes, const Others& others) {
    if (const std::string missing = missing_weight(shapes, others, "fc.weight"); missing != "no fc.weight")
        data_error("{}: {}, expected a torchvision ResNet", file, missing);
    for (const auto& [name, shape] : shapes)
        if (shape.size() == 2 && name.ends_with("weight"))
            data_error("{}: no fc.weight, but {} of shape {}, expected a torchvision ResNet", file, printable(name),
                       to_string(shape));
    data_error(
        "{}: no fc.weight and no other matrix of weights (a backbone without its last layer?), expected a "
        "torchvision ResNet",
        file);
}

/// The name of the last layer: the one matrix of weights.
std::string head_of(const std::string& file, const Shapes& shapes, const Others& others) {
    std::vector<std::string> found;
    for (const auto& [name, shape] : shapes)
        if (shape.size() == 2 && name.ends_with(".weight")) found.push_back(name.substr(0, name.size() - 7));
    if (found.size() > 1)
        data_error("{}: a head of several layers ({}, {}), expected one fully connected layer", file,
                   printable(found[0]), printable(found[1]));
    if (found.empty() || std::find(kHeads.begin(), kHeads.end(), found[0]) == kHeads.end())
        refuse_head(file, shapes, others);
    return found[0];
}

/// The shape of a tensor that tells the network, which is there; it must have `rank` axes.
const Shape& telling_shape(const std::string& file, const Shapes& shapes, const std::string& name, size_t rank) {
    const Shape& shape = shapes.at(name);
    if (shape.size() != rank)
        data_error("{}: {} has shape {}, expected {} dimensions", file, name, to_string(shape), rank);
    for (int64_t extent : shape)
        if (extent < 1 || extent > kMostChannels)
            data_error("{}: {} has shape {}, expected extents of 1 to {}", file, name, to_string(shape), kMostChannels);
    return shape;
}

void read_stem(const std::string& file, const Shapes& shapes, const Others& others, ResNet& network) {
    if (!shapes.contains("conv1.weight"))
        data_error("{}: {}, expected a torchvision ResNet", file, kind_without_stem(shapes, others));
    const Shape& stem = telling_shape(file, shapes, "conv1.weight", 4);
    if (stem[2] == 3 && stem[3] == 3)
        data_error("{}: a CIFAR stem (conv1 is 3x3), expected torchvision's 7x7 with stride 2", file);
    if (stem[2] != 7 || stem[3] != 7)
        data_error("{}: conv1.weight is {}x{}, expected torchvision's 7x7 stem", file, stem[2], stem[3]);
    if (stem[1] != 1 && stem[1] != 3)
        data_error("{}: conv1.weight takes {} input channels, expected 3 (RGB) or 1 (grey)", file, stem[1]);
    network.width = static_cast<int>(stem[0]);
    network.input_channels = static_cast<int>(stem[1]);
}

void read_blocks(const std::string& file, const Shapes& shapes, const Others& others, ResNet& network) {
    const auto has_block = [&](size_t stage, int block) {
        return !first_below(shapes, fmt::format("layer{}.{}.", stage, block)).empty();
    };
    for (size_t stage = 1; has_block(stage, 0); ++stage) {
        if (stage > kMostStages) data_error("{}: more than {} stages (layer{})", file, kMostStages, stage);
        int count = 1;
        while (has_block(stage, count)) ++count;
        network.blocks.push_back(count);
    }
    if (network.blocks.empty())
        data_error("{}: {}, expected a torchvision ResNet", file,
                   missing_weight(shapes, others, "layer1.0.conv1.weight"));
    if (shapes.contains("layer1.0.conv3.weight")) network.block = BlockKind::bottleneck;
}

/// Names the two relatives of ResNet whose tensors have the same names but other shapes.
void refuse_relatives(const std::string& file, const Shapes& shapes, const Others& others, const ResNet& network) {
    if (!shapes.contains("layer1.0.conv2.weight"))
        data_error("{}: {}, expected a torchvision ResNet", file,
                   missing_weight(shapes, others, "layer1.0.conv2.weight"));
    const Shape& middle = telling_shape(file, shapes, "layer1.0.conv2.weight", 4);
    if (middle[1] != middle[0] && middle[0] % middle[1] == 0)
        data_error("{}: grouped convolutions (layer1.0.conv2.weight has {} outputs but {} inputs, as in ResNeXt)", file,
                   middle[0], middle[1]);
    if (network.block == BlockKind::bottleneck && middle[0] != network.width)
        data_error("{}: layer1.0.conv2.weight has {} channels with a stem of {} (a wide ResNet?), expected as many",
                   file, middle[0], network.width);
}

std::string missing_because(const std::string& name) {
    if (name.ends_with(".downsample.0.weight")) return " (the block changes its shape, so torchvision has one)";
    return "";
}

/// A state dict without its prefix, its last layer called fc.
class Named {
  public:
    Named(const std::string& file, const Shapes& all, const Others& beside_tensors) {
        const std::vector<std::string> prefixes = prefixes_of_resnets(all);
        if (prefixes.size() > 1)
            data_error("{}: ResNets under {} and {}, expected one network", file, printable(prefixes[0]),
                       printable(prefixes[1]));
        const std::string prefix = prefixes.empty() ? "" : prefixes[0];
        for (const auto& [name, what] : beside_tensors)
            others[name.starts_with(prefix) ? name.substr(prefix.size()) : name] = what;
        for (const auto& [name, shape] : all) {
            if (name.starts_with(prefix))
                take(name, name.substr(prefix.size()), shape);
            else
                passed_over.push_back(name);
        }
    }

    void call_head_fc(const std::string& head) {
        if (head == "fc") return;
        for (const char* part : {".weight", ".bias"}) {
            const auto found = shapes.find(head + part);
            if (found == shapes.end()) continue;
            const Shape shape = found->second;
            const std::string file_name = parameter_to_file_.at(head + part);
            shapes.erase(found);
            parameter_to_file_.erase(head + part);
            take(file_name, std::string("fc") + part, shape);
        }
    }

    std::map<std::string, std::string> parameters() const {
        std::map<std::string, std::string> result;
        for (const auto& [parameter, name] : parameter_to_file_) result[name] = parameter;
        return result;
    }

    Shapes shapes;
    Others others;
    std::vector<std::string> passed_over;

  private:
    void take(const std::string& file_name, const std::string& parameter, const Shape& shape) {
        shapes[parameter] = shape;
        parameter_to_file_[parameter] = file_name;
    }

    std::map<std::string, std::string> parameter_to_file_;
};

}  // namespace

RecognisedNetwork recognise_resnet(const std::string& file, const Shapes& all, const Others& others) {
    Named named(file, all, others);
    const Shapes& shapes = named.shapes;
    ResNet network;
    read_stem(file, shapes, named.others, network);
    read_blocks(file, shapes, named.others, network);
    refuse_relatives(file, shapes, named.others, network);
    named.call_head_fc(head_of(file, shapes, named.others));
    network.classes = static_cast<int>(telling_shape(file, shapes, "fc.weight", 2)[0]);
    network.folded = shapes.contains("conv1.bias") && first_below(shapes, "bn1.").empty();
    network.head_bias = shapes.contains("fc.bias") || named.others.contains("fc.bias");
    Graph graph = resnet_graph(network);
    check_parameters(file, graph, shapes, graph.description, [&](const std::string& name) {
        return MissingParameter{missing_weight(shapes, named.others, name), missing_because(name)};
    });
    return {std::move(graph), named.parameters(), std::move(named.passed_over)};
}

}  // namespace adaq
