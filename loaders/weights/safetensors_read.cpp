// Reads .safetensors (the format's rules: no gaps, no overlaps, unique names); see safetensors.h.
#include <algorithm>
#include <array>
#include <cstring>
#include <limits>

#include "engine/error.h"
#include "engine/printable.h"
#include "loaders/weights/flat_header.h"
#include "loaders/weights/json_field.h"
#include "loaders/weights/raw_tensor.h"
#include "loaders/weights/safetensors.h"
#include "loaders/weights/state_dict.h"

namespace adaq {
namespace {

using Bytes = std::span<const std::byte>;
using nlohmann::json;

constexpr size_t kPrefix = 8;  // bytes: the header's length
constexpr std::array<std::pair<const char*, StoredType>, 10> kTypes{{{"F64", StoredType::f64},
                                                                     {"F32", StoredType::f32},
                                                                     {"F16", StoredType::f16},
                                                                     {"BF16", StoredType::bf16},
                                                                     {"I64", StoredType::i64},
                                                                     {"I32", StoredType::i32},
                                                                     {"I16", StoredType::i16},
                                                                     {"I8", StoredType::i8},
                                                                     {"U8", StoredType::u8},
                                                                     {"BOOL", StoredType::boolean}}};

/// A tensor as the header describes it. Its bytes: [begin, end) of the data.
struct Entry {
    std::string name;
    StoredType dtype;
    Shape shape;
    uint64_t begin, end;
};

StoredType dtype_of(const JsonField& field) {
    for (const auto& [name, dtype] : kTypes)
        if (field.text() == name) return dtype;
    field.wrong("F64, F32, F16, BF16, I64, I32, I16, I8, U8 or BOOL");
}

/// Whether the data reaches as far as the offsets say is for check_covers() to see.
Entry read_entry(const std::string& file, const std::string& name, const JsonField& field) {
    constexpr int64_t kMost = std::numeric_limits<int64_t>::max();
    const JsonField offsets = field["data_offsets"];
    const std::vector<JsonField> ends = offsets.elements();
    if (ends.size() != 2) offsets.wrong("two offsets");
    const int64_t begin = ends[0].integer(0, kMost), end = ends[1].integer(begin, kMost);
    const StoredType dtype = dtype_of(field["dtype"]);
    const Shape shape = field["shape"].extents();
    const std::optional<int64_t> count = checked_count(shape);
    const auto size = static_cast<int64_t>(bytes_of(dtype));
    if (!count || *count != (end - begin) / size || (end - begin) % size != 0)
        data_error("{}: {} ({} {}) has {} bytes, which its shape does not take", file, printable(name), name_of(dtype),
                   to_string(shape), end - begin);
    return {name, dtype, shape, static_cast<uint64_t>(begin), static_cast<uint64_t>(end)};
}

/// The tensors lie one behind the other, from the data's first byte (of the file) to the file's last.
void check_covers(const std::string& file, std::vector<Entry>& entries, uint64_t data_start, uint64_t file_bytes) {
    std::sort(entries.begin(), entries.end(),
              [](const Entry& a, const Entry& b) { return std::pair(a.begin, a.end) < std::pair(b.begin, b.end); });
    uint64_t end = 0;
    for (const Entry& entry : entries) {
        if (entry.begin != end)
            data_error("{}: {} begins at {}, expected {} where the tensor before it ends", file, printable(entry.name),
                       entry.begin, end);
        end = entry.end;
    }
    const uint64_t expected_bytes = data_start + end;
    if (expected_bytes > file_bytes)
        data_error("{}: truncated: {} bytes, expected {} by its header", file, file_bytes, expected_bytes);
    if (expected_bytes < file_bytes)
        data_error("{}: too long: {} bytes, expected {} by its header", file, file_bytes, expected_bytes);
}

/// `bytes` of the file; the data begins at `data_start`.
RawTensors read_tensors(const std::string& file, const JsonField& header, Bytes bytes, uint64_t data_start) {
    std::vector<Entry> entries;
    for (const auto& [name, field] : header.members())
        if (name != "__metadata__") entries.push_back(read_entry(file, name, field));
    check_covers(file, entries, data_start, bytes.size());
    RawTensors tensors;
    for (const auto& [name, dtype, shape, begin, end] : entries)
        tensors[name] = make_raw_tensor(file, name, dtype, shape, contiguous_strides(shape), 0,
                                        bytes.subspan(data_start + begin, end - begin));
    return tensors;
}

/// What the metadata calls the network; without a name: nothing that says anything.
NamedNetwork network_named_in(const JsonField& header) {
    if (!header.has("__metadata__")) return {};
    const JsonField metadata = header["__metadata__"];
    for (const char* key : {"arch", "architecture", "model_name", "model"}) {
        if (!metadata.has(key) || !metadata[key].json().is_string()) continue;
        NamedNetwork named = network_named(metadata[key].text());
        if (!named.family.empty() || !named.other.empty()) return named;
    }
    return {};
}

}  // namespace

bool is_safetensors(Bytes bytes) { return bytes.size() > kPrefix && bytes[kPrefix] == std::byte{'{'}; }

void take_metadata(const std::string& file, const std::string& key, const std::string& text, StoredModel& model) {
    if (key != kPreprocessingKey && key != kClassesKey) return;
    const json parsed = parse_json_object(file, key, text);
    if (key == kPreprocessingKey) {
        model.preprocessing = parse_preprocessing(file, key, parsed, model.graph.input_channels);
        return;
    }
    for (const JsonField& name : JsonField(file, key, parsed)["classes"].elements())
        model.class_names.push_back(name.text());
    check_class_names(file, model.class_names, classes_of(model.graph));
}

FoundModel read_safetensors(const std::string& file, Bytes bytes, const std::string& arch, const NamedNetwork& beside) {
    uint64_t length = 0;
    std::memcpy(&length, bytes.data(), sizeof length);
    if (length > kLongestHeader)
        data_error("{}: a header of {} bytes, expected at most {}", file, length, kLongestHeader);
    if (length > bytes.size() - kPrefix)
        data_error("{}: truncated: {} bytes, its header alone takes {}", file, bytes.size(), kPrefix + length);
    const json parsed = parse_json_object(file, "the header", bytes.subspan(kPrefix, length));
    const JsonField header(file, "header", parsed);
    StateDict dict{read_tensors(file, header, bytes, kPrefix + length), {}, network_named_in(header), {}};
    if (dict.named.name.empty()) dict.named = beside;
    StoredModel model = model_of_state_dict(file, dict, bytes.size(), arch);
    if (header.has("__metadata__")) {
        const JsonField metadata = header["__metadata__"];
        for (const char* key : {kPreprocessingKey, kClassesKey})
            if (metadata.has(key)) take_metadata(file, key, metadata[key].text(), model);
    }
    return {std::move(model), std::move(dict.notes)};
}

}  // namespace adaq
