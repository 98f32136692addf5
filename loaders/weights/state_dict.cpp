// State dicts as people have them; see state_dict.h.
#include "loaders/weights/state_dict.h"

#include <algorithm>

#include "engine/error.h"
#include "loaders/weights/architecture.h"
#include "loaders/weights/checks.h"
#include "loaders/weights/printable.h"

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

void tidy_names(RawTensors& tensors) {
    std::erase_if(tensors, [](const auto& tensor) { return is_counter(tensor.first); });
    // DataParallel's, torch.compile's and Lightning's wrappers, in whatever order they were put around the model.
    while (strip(tensors, "module.") || strip(tensors, "_orig_mod.") || strip(tensors, "model.")) {
    }
}

/// Views may share a storage, but a network whose tensors hold more than the file does is a trap, not a network.
void check_total(const std::string& file, const RawTensors& tensors, size_t file_bytes) {
    uint64_t total = 0;
    for (const auto& [name, tensor] : tensors)
        total += static_cast<uint64_t>(element_count(tensor.shape)) * bytes_of(tensor.dtype);
    if (total > file_bytes)
        data_error("{}: its tensors hold {} bytes, more than the file's {}", file, total, file_bytes);
}

}  // namespace

Model model_of_state_dict(const std::string& file, RawTensors tensors, size_t file_bytes) {
    tidy_names(tensors);
    std::map<std::string, Shape> shapes;
    for (const auto& [name, tensor] : tensors) shapes[name] = tensor.shape;
    Model model;
    model.architecture = architecture_of(file, shapes, false);
    check_total(file, tensors, file_bytes);
    for (const auto& [name, tensor] : tensors) model.tensors.emplace(name, float_tensor(file, name, tensor));
    check_float_tensors(file, model);
    return model;
}

}  // namespace adaq
