// Writes .onnx files; see onnx.h.
#include "engine/error.h"
#include "loaders/atomic_file.h"
#include "loaders/onnx/onnx.h"
#include "loaders/weights/writable.h"

namespace adaq {

std::string onnx_encodings_path(const std::string& path) {
    constexpr std::string_view kExtension = ".onnx";
    const std::string_view whole(path);
    const size_t cut = whole.ends_with(kExtension) ? whole.size() - kExtension.size() : whole.size();
    return std::string(whole.substr(0, cut)) + ".encodings.json";
}

std::vector<std::string> save_onnx(const std::string& path, const StoredModel& model, const OnnxOptions& options) {
    check_writable(path, model);
    if (options.aimet_encodings && !model.quantisation)
        data_error("{}: encodings of a float network, expected a quantised one", path);
    const onnx::Exported exported = onnx::export_network(path, model, options);
    const std::string bytes = onnx::serialise(path, exported.model);
    AtomicFile file(path);
    file.write(bytes);
    file.flush();
    if (options.aimet_encodings)
        write_file_atomically(onnx_encodings_path(path), onnx::aimet_encodings(model, exported));
    file.commit();
    return exported.notes;
}

}  // namespace adaq
