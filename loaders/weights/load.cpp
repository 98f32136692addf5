// Tells the formats apart by content; see weights.h.
#include "engine/error.h"
#include "loaders/mapped_file.h"
#include "loaders/weights/flat_binary.h"
#include "loaders/weights/flat_header.h"
#include "loaders/weights/printable.h"
#include "loaders/weights/safetensors.h"
#include "loaders/weights/state_dict.h"
#include "loaders/weights/torch_file.h"
#include "loaders/weights/weights.h"

namespace adaq {

Model read_weights(const std::string& name, std::span<const std::byte> bytes) {
    const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    if (text.starts_with(kFlatMagic)) return read_flat_binary(name, bytes);
    if (text.starts_with("PK\x03\x04")) return model_of_state_dict(name, read_torch_zip(name, bytes), bytes.size());
    if (is_legacy_torch(bytes)) return model_of_state_dict(name, read_torch_legacy(name, bytes), bytes.size());
    if (is_safetensors(bytes)) return read_safetensors(name, bytes);
    data_error("{}: begins with \"{}\", expected adaq's flat binary, a file of torch.save, or .safetensors", name,
               printable(text.substr(0, 8)));
}

Model load_weights(const std::string& path) {
    const MappedFile file(path);
    return read_weights(path, file.bytes());
}

}  // namespace adaq
