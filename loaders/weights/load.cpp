// Tells the formats apart by content; see weights.h.
#include "engine/error.h"
#include "engine/printable.h"
#include "loaders/file_bytes.h"
#include "loaders/onnx/external_data.h"
#include "loaders/onnx/import.h"
#include "loaders/weights/flat_binary.h"
#include "loaders/weights/flat_header.h"
#include "loaders/weights/model_config.h"
#include "loaders/weights/safetensors.h"
#include "loaders/weights/state_dict.h"
#include "loaders/weights/torch_file.h"
#include "loaders/weights/weights.h"

namespace adaq {
namespace {

/// What is known of a file beside its bytes.
struct Beside {
    std::string checkpoint_key, arch;
    NamedNetwork named;  // by a configuration in the same folder
    bool has_folder = false;
};

FoundModel of_state_dict(const std::string& name, StateDict dict, size_t file_bytes, const Beside& beside) {
    if (dict.named.name.empty()) dict.named = beside.named;
    StoredModel model = model_of_state_dict(name, dict, file_bytes, beside.arch);
    return {std::move(model), std::move(dict.notes)};
}

/// A message that begins with its first field, ir_version, of a byte, and goes on with one of the fields up to graph.
bool is_onnx(std::string_view text) {
    constexpr std::string_view kNextFields = "\x12\x1a\x22\x28\x32\x3a\x42";
    return text.size() > 2 && text[0] == 8 && text[1] > 0 && kNextFields.find(text[2]) != std::string_view::npos;
}

FoundModel of_onnx(const std::string& name, std::span<const std::byte> bytes, const Beside& beside) {
    onnx::ExternalData data(name);
    onnx::ReadElsewhere elsewhere;
    if (beside.has_folder) elsewhere = [&](const onnx::DataElsewhere& where) { return data.read(where); };
    onnx::Imported imported = onnx::import_network(name, onnx::parse(name, bytes, elsewhere));
    return {std::move(imported.model), std::move(imported.notes)};
}

FoundModel find(const std::string& name, std::span<const std::byte> bytes, const Beside& beside) {
    const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    const std::string& key = beside.checkpoint_key;
    if (text.starts_with("PK\x03\x04"))
        return of_state_dict(name, read_torch_zip(name, bytes, key), bytes.size(), beside);
    if (is_legacy_torch(bytes)) return of_state_dict(name, read_torch_legacy(name, bytes, key), bytes.size(), beside);
    const bool onnx = is_onnx(text);
    const bool flat = text.starts_with(kFlatMagic);
    if (!onnx && !flat && !is_safetensors(bytes))
        data_error("{}: begins with \"{}\", expected adaq's flat binary, a file of torch.save, .safetensors or ONNX",
                   name, printable(text.substr(0, 8)));
    if (!key.empty())
        about("checkpoint_key", [&] {
            data_error("{}: no network under {}, for it is no checkpoint: its tensors stand under no key", name,
                       printable(key));
        });
    if (!onnx && !flat) return read_safetensors(name, bytes, beside.arch, beside.named);
    if (!beside.arch.empty())
        about("arch",
              [&] { usage_error("`arch` {}: {} says itself what its network is", printable(beside.arch), name); });
    return onnx ? of_onnx(name, bytes, beside) : FoundModel{read_flat_binary(name, bytes), {}};
}

}  // namespace

FoundModel find_weights(const std::string& name, std::span<const std::byte> bytes, const std::string& key,
                        const std::string& arch) {
    return find(name, bytes, {key, arch, {}});
}

FoundModel find_weights(const std::string& path, const std::string& key, const std::string& arch) {
    const FileBytes file(path);
    return find(path, file.bytes(), {key, arch, network_named_beside(path), true});
}

StoredModel read_weights(const std::string& name, std::span<const std::byte> bytes) {
    return find_weights(name, bytes, "").model;
}

StoredModel load_weights(const std::string& path) { return find_weights(path, "").model; }

}  // namespace adaq
