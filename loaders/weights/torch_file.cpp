// torch.save's formats (torch/serialization.py describes them); see torch_file.h.
#include "loaders/weights/torch_file.h"

#include <algorithm>
#include <array>
#include <map>

#include "engine/error.h"
#include "loaders/weights/byte_cursor.h"
#include "loaders/weights/pickled_state_dict.h"
#include "loaders/weights/printable.h"
#include "loaders/weights/zip_archive.h"

namespace adaq {
namespace {

using Bytes = std::span<const std::byte>;
using Kind = PickleValue::Kind;

/// A view of `storage` under its name. The storage must be as long as the pickle says.
void add_tensor(RawTensors& tensors, const std::string& file, std::string_view name, const PickledTensor& tensor,
                Bytes storage) {
    const auto elements = static_cast<int64_t>(storage.size() / bytes_of(tensor.dtype));
    if (elements != tensor.storage_elements)
        data_error("{}: {}'s storage has {} elements, the pickle says {}", file, printable(name), elements,
                   tensor.storage_elements);
    tensors.emplace(name,
                    make_raw_tensor(file, name, tensor.dtype, tensor.shape, tensor.strides, tensor.offset, storage));
}

std::string_view as_text(Bytes bytes) { return {reinterpret_cast<const char*>(bytes.data()), bytes.size()}; }

/// The pickle's archive path; the storages lie beside it.
std::string pickle_path(const std::string& file, const ZipArchive& archive) {
    std::string path = archive.find_below_a_folder("data.pkl");
    if (path.empty()) data_error("{}: a zip archive without data.pkl, expected one of torch.save", file);
    return path;
}

/// The storages' bytes by key; the sequence of storages at the end of a legacy file, in the order of the list before
/// it.
std::map<std::string_view, Bytes> read_legacy_storages(const std::string& file, const Pickle& keys,
                                                       const Pickle& pickle, ByteCursor& cursor) {
    std::map<std::string_view, DType> types;
    for (const PickledTensor& tensor : pickle.tensors) types[tensor.storage_key] = tensor.dtype;
    std::map<std::string_view, Bytes> storages;
    for (PickleId id : keys.top().items) {
        const std::string_view key = keys.values[id].text;
        const auto type = types.find(key);
        if (type == types.end()) data_error("{}: a storage {} that no tensor uses", file, printable(key));
        const auto elements = cursor.number<uint64_t>();
        if (elements > cursor.left() / bytes_of(type->second))
            data_error("{}: a storage of {} elements, but only {} bytes are left (truncated?)", file, elements,
                       cursor.left());
        storages[key] = cursor.take(elements * bytes_of(type->second));
    }
    return storages;
}

/// The third pickle of a legacy file tells the machine that wrote it.
void check_byte_order(const std::string& file, const Pickle& system) {
    const auto& items = system.top().items;
    for (size_t i = 0; i + 1 < items.size(); i += 2)
        if (system.values[items[i]].text == "little_endian" && system.values[items[i + 1]].integer == 0)
            data_error("{}: written on a big-endian machine, expected little-endian", file);
}

}  // namespace

bool is_legacy_torch(Bytes bytes) {
    // PROTO, perhaps FRAME with its length, then LONG1 of 10 bytes: 0x1950a86a20f9469cfc6c.
    constexpr std::string_view kMagic("\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19", 12);
    const std::string_view head = as_text(bytes.first(std::min<size_t>(bytes.size(), 32)));
    const size_t at = head.find(kMagic);
    return head.starts_with('\x80') && (at == 2 || at == 11);
}

RawTensors read_torch_zip(const std::string& file, Bytes bytes) {
    const ZipArchive archive(file, bytes);
    const std::string path = pickle_path(file, archive);
    const std::string folder = path.substr(0, path.size() - std::string_view("data.pkl").size());
    if (archive.has(folder + "constants.pkl"))
        data_error("{}: a TorchScript program, expected a state dict (torch.save(model.state_dict(), ...))", file);
    if (archive.has(folder + "byteorder")) {
        const std::string_view order = as_text(archive.read(folder + "byteorder"));
        if (order != "little") data_error("{}: byte order {}, expected little", file, printable(order));
    }
    ByteCursor cursor(file, "the pickle", archive.read(path));
    const Pickle pickle = read_pickle(file, cursor);
    RawTensors tensors;
    std::map<std::string_view, Bytes> storages;  // read, and their checksums checked, once
    for (const auto& [name, tensor] : find_state_dict(file, pickle)) {
        auto [storage, fresh] = storages.try_emplace(tensor->storage_key);
        if (fresh) storage->second = archive.read(fmt::format("{}data/{}", folder, tensor->storage_key));
        add_tensor(tensors, file, name, *tensor, storage->second);
    }
    return tensors;
}

RawTensors read_torch_legacy(const std::string& file, Bytes bytes) {
    ByteCursor cursor(file, "the file", bytes);
    (void)read_pickle(file, cursor);  // the magic number
    const Pickle version = read_pickle(file, cursor);
    if (version.top().integer != 1001)
        data_error("{}: version {} of torch's legacy format, expected 1001", file, version.top().integer);
    check_byte_order(file, read_pickle(file, cursor));
    const Pickle pickle = read_pickle(file, cursor);
    const Pickle keys = read_pickle(file, cursor);
    const std::map<std::string_view, Bytes> storages = read_legacy_storages(file, keys, pickle, cursor);
    RawTensors tensors;
    for (const auto& [name, tensor] : find_state_dict(file, pickle)) {
        const auto storage = storages.find(tensor->storage_key);
        if (storage == storages.end()) data_error("{}: {}'s storage is not in the file", file, printable(name));
        add_tensor(tensors, file, name, *tensor, storage->second);
    }
    return tensors;
}

}  // namespace adaq
