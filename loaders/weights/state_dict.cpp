// State dicts as people have them; see state_dict.h.
#include "loaders/weights/state_dict.h"

#include <algorithm>

#include "engine/error.h"
#include "engine/graph/node_kind.h"
#include "engine/printable.h"
#include "loaders/architectures/recognise.h"
#include "loaders/weights/checks.h"

namespace adaq {
namespace {

/// Counters that training keeps: batches seen by a batch norm, steps of an averaged model.
bool is_counter(const std::string& name) { return name.ends_with("num_batches_tracked") || name == "n_averaged"; }

/// Removes `prefix` from all names if all have it. Equal names cannot arise.
bool strip(RawTensors& tensors, const std::string& prefix) {
    const bool all =
        std::all_of(tensors.begin(), tensors.end(), [&](const auto& t) { return t.first.starts_with(prefix); });
    if (!all || tensors.empty()) return false;
    RawTensors stripped;
    for (auto& [name, tensor] : tensors) stripped.emplace(name.substr(prefix.size()), std::move(tensor));
    tensors = std::move(stripped);
    return true;
}

/// The same of what stands beside the tensors, where it has the prefix.
void strip(std::map<std::string, std::string>& others, const std::string& prefix) {
    std::map<std::string, std::string> stripped;
    for (auto& [name, what] : others)
        stripped.emplace(name.starts_with(prefix) ? name.substr(prefix.size()) : name, std::move(what));
    others = std::move(stripped);
}

void tidy_names(StateDict& dict) {
    std::erase_if(dict.tensors, [](const auto& tensor) { return is_counter(tensor.first); });
    // DataParallel's, torch.compile's and Lightning's wrappers, in whatever order they were put around the model.
    for (bool found = true; found;) {
        found = false;
        for (const char* prefix : {"module.", "_orig_mod.", "model."}) {
            if (!strip(dict.tensors, prefix)) continue;
            strip(dict.others, prefix);
            found = true;
        }
    }
}

/// Views may share a storage and repeat its elements, but a network that holds far more than the file does is a trap.
void check_total(const std::string& file, const RawTensors& tensors, size_t file_bytes) {
    uint64_t bytes = 0, values = 0;
    for (const auto& [name, tensor] : tensors) {
        values += static_cast<uint64_t>(element_count(tensor.shape));
        bytes += static_cast<uint64_t>(element_count(tensor.shape)) * bytes_of(tensor.dtype);
    }
    if (bytes > file_bytes && values > static_cast<uint64_t>(kMostRepeated))
        data_error("{}: its tensors hold {} values in {} bytes, expected at most {}", file, values, file_bytes,
                   kMostRepeated);
}

/// By the user's name of the network, or else by the file's own.
NetworkHints hints_of(const std::string& file, const std::string& arch, const NamedNetwork& own) {
    if (arch.empty()) {
        if (!own.other.empty())
            data_error(
                "{}: the checkpoint calls its network {} ({}), which adaq does not build; `arch` NAME takes it for "
                "another",
                file, printable(own.name), own.other);
        return {own.family, own.output_stride, !own.family.empty(), own.size, own.name, true};
    }
    const NamedNetwork named = network_named(arch);
    about("arch", [&] {
        if (!named.other.empty())
            usage_error("`arch` {}: {}, expected a network that adaq builds", printable(arch), named.other);
        if (named.family.empty())
            usage_error(
                "`arch` {}: expected the name of a network: resnet50, resnext50_32x4d, wide_resnet50_2, "
                "resnet50_os8, mobilenet_v2, mnasnet1_0, regnet_x_400mf, vgg16_bn, ...",
                printable(arch));
    });
    return {named.family, named.output_stride, true, named.size, arch, false};
}

/// What no tensor tells of a network that nothing names.
std::string note_of(const RecognisedNetwork& network) {
    const Indexed<Node>& nodes = network.graph.nodes;
    const bool norms =
        std::any_of(nodes.begin(), nodes.end(), [](const Node& node) { return node.kind->name() == "batch_norm"; });
    return fmt::format(
        "Nothing names the network, and {} stand in no tensor: torchvision's were assumed for this {}. If the network "
        "differs, export it as ONNX (docs/networks.md); `arch` NAME names it.",
        norms ? "strides, pools, activations and batch norms' epsilon (1e-5)" : "strides, pools and activations",
        network.assumed);
}

}  // namespace

StoredModel model_of_state_dict(const std::string& file, StateDict& dict, size_t file_bytes, const std::string& arch) {
    const NetworkHints hints = hints_of(file, arch, dict.named);
    tidy_names(dict);
    std::map<std::string, Shape> shapes;
    for (const auto& [name, tensor] : dict.tensors) shapes[name] = tensor.shape;
    StoredModel model;
    RecognisedNetwork network = recognise_network(file, shapes, dict.others, hints);
    if (!network.assumed.empty()) dict.notes.push_back(note_of(network));
    model.graph = std::move(network.graph);
    for (const std::string& name : network.passed_over) dict.tensors.erase(name);
    if (!network.passed_over.empty())
        dict.notes.push_back(
            fmt::format("{} beside the network {} passed over: {}", plural(std::ssize(network.passed_over), "tensor"),
                        network.passed_over.size() == 1 ? "is" : "are", first_names(network.passed_over, 3)));
    check_total(file, dict.tensors, file_bytes);
    for (const auto& [name, tensor] : dict.tensors)
        model.tensors.emplace(network.parameters.at(name), float_tensor(file, name, tensor));
    check_float_tensors(file, model);
    return model;
}

}  // namespace adaq
