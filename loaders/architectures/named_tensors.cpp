#include "loaders/architectures/named_tensors.h"

#include <algorithm>
#include <array>

#include "engine/error.h"
#include "engine/printable.h"
#include "loaders/weights/checks.h"

namespace adaq {
namespace {

constexpr int64_t kMostChannels = 1 << 20;

/// The names that people give the last layer: by itself, or behind what has no parameters (a dropout).
constexpr std::array<const char*, 10> kHeads{"fc",     "fc.0",       "fc.1",         "head.fc",      "head",
                                             "head.1", "classifier", "classifier.0", "classifier.1", "last_linear"};

}  // namespace

NamedTensors::NamedTensors(std::string file, Shapes all, OtherValues beside_tensors)
    : file_(std::move(file)), shapes_(std::move(all)), others_(std::move(beside_tensors)) {
    for (const auto& [name, shape] : shapes_) file_names_[name] = name;
}

std::string NamedTensors::first_below(const std::string& prefix) const {
    const auto found = shapes_.lower_bound(prefix);
    return found != shapes_.end() && found->first.starts_with(prefix) ? found->first : "";
}

void NamedTensors::take_below(const std::string& prefix, const std::function<bool(const std::string&)>& kept) {
    if (prefix.empty()) return;
    const auto below = [&](const std::string& name) {
        return name.starts_with(prefix) ? name.substr(prefix.size()) : name;
    };
    OtherValues others;
    for (auto& [name, what] : others_) others[below(name)] = std::move(what);
    others_ = std::move(others);
    for (const auto& [name, shape] : shapes_) {
        if (name.starts_with(prefix) || (kept && kept(name))) continue;
        passed_over_.push_back(file_names_.at(name));
        file_names_.erase(name);
    }
    std::erase_if(shapes_, [&](const auto& tensor) { return !file_names_.contains(tensor.first); });
    rename(below);
}

void NamedTensors::rename(const std::function<std::string(const std::string&)>& renamed) {
    Shapes shapes;
    std::map<std::string, std::string> file_names;
    for (auto& [name, shape] : shapes_) {
        const std::string parameter = renamed(name);
        if (shapes.contains(parameter))
            data_error("{}: {} and {} are one tensor by their names", file_, printable(file_names.at(parameter)),
                       printable(file_names_.at(name)));
        file_names[parameter] = file_names_.at(name);
        shapes[parameter] = std::move(shape);
    }
    shapes_ = std::move(shapes);
    file_names_ = std::move(file_names);
}

const Shape& NamedTensors::telling_shape(const std::string& name, size_t rank) const {
    const auto found = shapes_.find(name);
    if (found == shapes_.end()) data_error("{}: {}", file_, missing(name));
    const Shape& shape = found->second;
    if (shape.size() != rank)
        data_error("{}: {} has shape {}, expected {} dimensions", file_, printable(name), to_string(shape), rank);
    for (int64_t extent : shape)
        if (extent < 1 || extent > kMostChannels)
            data_error("{}: {} has shape {}, expected extents of 1 to {}", file_, printable(name), to_string(shape),
                       kMostChannels);
    return shape;
}

int NamedTensors::image_channels(const std::string& stem) const {
    const std::string name = stem + ".weight";
    const int64_t channels = telling_shape(name, 4)[1];
    if (channels != 1 && channels != 3)
        data_error("{}: {} takes {} input channels, expected 3 (RGB) or 1 (grey)", file_, name, channels);
    return static_cast<int>(channels);
}

// ---- what is said of a tensor that is not there

/// The first name below a layer that speaks of weights, or the first of all.
std::string NamedTensors::first_weight_below(const std::string& layer) const {
    const std::string first = first_below(layer + ".");
    for (auto at = shapes_.find(first); at != shapes_.end() && at->first.starts_with(layer + "."); ++at)
        if (at->first.find("weight", layer.size()) != std::string::npos) return at->first;
    return first;
}

/// Whether `layer` is a sequence of layers: "conv1.0.weight".
bool NamedTensors::is_sequence(const std::string& layer) const {
    const std::string first = first_below(layer + ".");
    return first.size() > layer.size() + 1 && first[layer.size() + 1] >= '0' && first[layer.size() + 1] <= '9';
}

/// What a file has of a layer in place of its weight, as tools leave it.
std::string NamedTensors::in_place_of_weight(const std::string& layer) const {
    if (has_below(layer + ".weight_orig")) return "pruned and not yet made permanent (torch.nn.utils.prune.remove)";
    if (has_below(layer + ".weight_g") || has_below(layer + ".parametrizations."))
        return "parametrised (torch.nn.utils.parametrize)";
    if (has_below(layer + "._module_to_wrap.")) return "wrapped to simulate quantisation (AIMET)";
    if (is_sequence(layer)) return "several layers";
    return first_weight_below(layer).find("weight", layer.size()) != std::string::npos ? "wrapped" : "";
}

std::string NamedTensors::missing(const std::string& name) const {
    if (const auto other = others_.find(name); other != others_.end())
        return fmt::format("{} is {}, expected a tensor", printable(name), other->second);
    const std::string layer = name.substr(0, name.rfind('.'));
    const std::string is = name.ends_with(".weight") ? in_place_of_weight(layer) : "";
    if (is.empty()) return "no " + printable(name);
    return fmt::format("no {}, but {}: {} is {}", printable(name), printable(first_weight_below(layer)),
                       printable(layer), is);
}

// ---- the last layer

/// Throws what a file without a last layer has in its place.
void NamedTensors::refuse_head(const std::string& head, const std::string& network) const {
    const std::string weight = head + ".weight";
    if (has(weight))
        data_error("{}: {} has shape {}, expected the matrix of {}", file_, weight, to_string(shapes_.at(weight)),
                   network);
    if (const std::string said = missing(weight); said != "no " + weight)
        data_error("{}: {}, expected {}", file_, said, network);
    for (const auto& [name, shape] : shapes_)
        if (shape.size() == 2 && name.ends_with("weight"))
            data_error("{}: no {}, but {} of shape {}, expected {}", file_, weight, printable(name), to_string(shape),
                       network);
    data_error("{}: no {} and no other matrix of weights (a backbone without its last layer?), expected {}", file_,
               weight, network);
}

void NamedTensors::call_head(const std::string& head, const std::string& network) {
    std::vector<std::string> found;
    for (const auto& [name, shape] : shapes_)
        if (shape.size() == 2 && name.ends_with(".weight")) found.push_back(name.substr(0, name.size() - 7));
    if (found.size() > 1)
        data_error("{}: a head of several layers ({}, {}), expected one fully connected layer", file_,
                   printable(found[0]), printable(found[1]));
    if (found.empty() || std::find(kHeads.begin(), kHeads.end(), found[0]) == kHeads.end()) refuse_head(head, network);
    rename([&](const std::string& name) {
        for (const char* part : {".weight", ".bias"})
            if (name == found[0] + part) return head + part;
        return name;
    });
}

RecognisedNetwork NamedTensors::recognised(Graph graph,
                                           const std::function<std::string(const std::string&)>& because) && {
    try {
        check_graph(graph);
    } catch (const DataError& error) {
        data_error("{}: {}", file_, error.what());
    }
    check_parameters(file_, graph, shapes_, graph.description, [&](const std::string& name) {
        return MissingParameter{missing(name), because ? because(name) : ""};
    });
    std::map<std::string, std::string> parameters;
    for (const auto& [parameter, name] : file_names_) parameters[name] = parameter;
    return {std::move(graph), std::move(parameters), std::move(passed_over_)};
}

}  // namespace adaq
