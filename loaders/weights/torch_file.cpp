// torch.save's formats (torch/serialization.py describes them); see torch_file.h.
#include "loaders/weights/torch_file.h"

#include <algorithm>
#include <array>
#include <map>

#include "engine/error.h"
#include "engine/printable.h"
#include "loaders/weights/byte_cursor.h"
#include "loaders/weights/pickled_options.h"
#include "loaders/weights/pickled_state_dict.h"
#include "loaders/weights/zip_archive.h"

namespace adaq {
namespace {

using Bytes = std::span<const std::byte>;
using Kind = PickleValue::Kind;

/// A view of `storage` under its name. The storage must be as long as the pickle says.
RawTensor raw_tensor(const std::string& file, std::string_view name, const Pickle& pickle, const PickledTensor& tensor,
                     Bytes storage) {
    const PickledStorage& expected = pickle.storages[tensor.storage];
    const auto elements = static_cast<int64_t>(storage.size() / expected.element_bytes);
    if (elements != expected.elements)
        data_error("{}: {}'s storage has {} elements, the pickle says {}", file, printable(name), elements,
                   expected.elements);
    RawTensor raw = make_raw_tensor(file, name, tensor.dtype, tensor.shape, tensor.strides, tensor.offset, storage);
    raw.negative = tensor.negative;
    return raw;
}

/// The pickle's state dict, whose storages' bytes `storage_of` finds.
template <typename StorageOf>
StateDict state_dict(const std::string& file, const Pickle& pickle, const std::string& key, StorageOf storage_of) {
    PickledStateDict found = find_state_dict(file, pickle, key);
    StateDict dict{{}, std::move(found.others), network_named_in(pickle), std::move(found.notes)};
    for (const auto& [name, tensor] : found.tensors) {
        const std::string_view storage_key = pickle.storages[tensor->storage].key;
        dict.tensors.emplace(name, raw_tensor(file, name, pickle, *tensor, storage_of(name, storage_key)));
    }
    return dict;
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
    std::map<std::string_view, size_t> element_bytes;
    for (const PickledStorage& storage : pickle.storages) element_bytes[storage.key] = storage.element_bytes;
    std::map<std::string_view, Bytes> storages;
    for (PickleId id : keys.top().items) {
        const std::string_view key = keys.values[id].text;
        const auto found = element_bytes.find(key);
        if (found == element_bytes.end()) data_error("{}: a storage {} of no known type", file, printable(key));
        const auto elements = cursor.number<uint64_t>();
        if (elements > cursor.left() / found->second)
            data_error("{}: a storage of {} elements, but only {} bytes are left (truncated?)", file, elements,
                       cursor.left());
        storages[key] = cursor.take(elements * found->second);
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
    // A pickle of 0x1950a86a20f9469cfc6c: PROTO, perhaps FRAME with its length, LONG1 of 10 bytes. In protocols 0 and 1
    // a line of text.
    constexpr std::string_view kMagic("\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19", 12);
    const std::string_view head = as_text(bytes.first(std::min<size_t>(bytes.size(), 32)));
    const size_t at = head.find(kMagic);
    return (head.starts_with('\x80') && (at == 2 || at == 11)) || head.starts_with("L119547037146038801333356L\n.");
}

StateDict read_torch_zip(const std::string& file, Bytes bytes, const std::string& key) {
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
    std::map<std::string_view, Bytes> storages;  // read, and their checksums checked, once
    uint64_t total = 0;
    return state_dict(file, pickle, key, [&](std::string_view, std::string_view storage_key) {
        auto [storage, fresh] = storages.try_emplace(storage_key);
        if (!fresh) return storage->second;
        storage->second = archive.read(fmt::format("{}data/{}", folder, storage_key));
        total += storage->second.size();
        if (total > bytes.size()) data_error("{}: a broken zip archive: its entries overlap", file);
        return storage->second;
    });
}

StateDict read_torch_legacy(const std::string& file, Bytes bytes, const std::string& key) {
    ByteCursor cursor(file, "the file", bytes);
    (void)read_pickle(file, cursor);  // the magic number
    const Pickle version = read_pickle(file, cursor);
    if (version.top().kind != Kind::integer || version.top().integer != 1001)
        data_error("{}: version {} of torch's legacy format, expected 1001", file, version.top().integer);
    check_byte_order(file, read_pickle(file, cursor));
    const Pickle pickle = read_pickle(file, cursor);
    const Pickle keys = read_pickle(file, cursor);
    const std::map<std::string_view, Bytes> storages = read_legacy_storages(file, keys, pickle, cursor);
    return state_dict(file, pickle, key, [&](std::string_view name, std::string_view storage_key) {
        const auto storage = storages.find(storage_key);
        if (storage == storages.end()) data_error("{}: {}'s storage is not in the file", file, printable(name));
        return storage->second;
    });
}

}  // namespace adaq
