// State dicts as people have them; see state_dict.h.
#include "loaders/weights/state_dict.h"

#include <algorithm>

#include "engine/error.h"
#include "engine/printable.h"
#include "loaders/architectures/resnet.h"
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

}  // namespace

StoredModel model_of_state_dict(const std::string& file, StateDict& dict, size_t file_bytes) {
    if (!dict.other_network.empty())
        data_error("{}: the checkpoint calls its network {}, expected a torchvision ResNet", file, dict.other_network);
    tidy_names(dict);
    std::map<std::string, Shape> shapes;
    for (const auto& [name, tensor] : dict.tensors) shapes[name] = tensor.shape;
    StoredModel model;
    RecognisedNetwork network = recognise_resnet(file, shapes, dict.others);
    model.graph = std::move(network.graph);
    for (const std::string& name : network.passed_over) dict.tensors.erase(name);
    if (!network.passed_over.empty())
        dict.notes.push_back(
            fmt::format("{} beside the network {} passed over: {}{}", plural(std::ssize(network.passed_over), "tensor"),
                        network.passed_over.size() == 1 ? "is" : "are", printable(network.passed_over[0]),
                        network.passed_over.size() > 1 ? ", ..." : ""));
    check_total(file, dict.tensors, file_bytes);
    for (const auto& [name, tensor] : dict.tensors)
        model.tensors.emplace(network.parameters.at(name), float_tensor(file, name, tensor));
    check_float_tensors(file, model);
    return model;
}

}  // namespace adaq
