// Reads .safetensors (the format's rules: no gaps, no overlaps, unique names); see safetensors.h.
#include <algorithm>
#include <array>
#include <cstring>
#include <limits>

#include "engine/error.h"
#include "loaders/weights/flat_header.h"
#include "loaders/weights/json_field.h"
#include "loaders/weights/printable.h"
#include "loaders/weights/raw_tensor.h"
#include "loaders/weights/safetensors.h"
#include "loaders/weights/state_dict.h"

namespace adaq {
namespace {

using Bytes = std::span<const std::byte>;
using nlohmann::json;

constexpr size_t kPrefix = 8;                           // bytes: the header's length
constexpr uint64_t kLongestHeader = uint64_t{1} << 23;  // bytes
constexpr std::array<std::pair<const char*, DType>, 10> kTypes{{{"F64", DType::f64},
                                                                {"F32", DType::f32},
                                                                {"F16", DType::f16},
                                                                {"BF16", DType::bf16},
                                                                {"I64", DType::i64},
                                                                {"I32", DType::i32},
                                                                {"I16", DType::i16},
                                                                {"I8", DType::i8},
                                                                {"U8", DType::u8},
                                                                {"BOOL", DType::boolean}}};

struct Range {
    uint64_t begin, end;
    std::string name;
};

DType dtype_of(const JsonField& field) {
    for (const auto& [name, dtype] : kTypes)
        if (field.text() == name) return dtype;
    field.wrong("F64, F32, F16, BF16, I64, I32, I16, I8, U8 or BOOL");
}

/// Begin and end of the tensor's bytes in the data, whose length bounds them.
Range range_of(const JsonField& field, const std::string& name, uint64_t data_bytes) {
    const std::vector<JsonField> offsets = field.elements();
    if (offsets.size() != 2) field.wrong("two offsets");
    const auto most = static_cast<int64_t>(data_bytes);
    const int64_t begin = offsets[0].integer(0, most);
    return {static_cast<uint64_t>(begin), static_cast<uint64_t>(offsets[1].integer(begin, most)), name};
}

void check_covers(const std::string& file, std::vector<Range> ranges, uint64_t data_bytes) {
    std::sort(ranges.begin(), ranges.end(),
              [](const Range& a, const Range& b) { return std::pair(a.begin, a.end) < std::pair(b.begin, b.end); });
    uint64_t end = 0;
    for (const Range& range : ranges) {
        if (range.begin != end)
            data_error("{}: {} begins at {}, expected {} where the tensor before it ends", file, printable(range.name),
                       range.begin, end);
        end = range.end;
    }
    if (end != data_bytes)
        data_error("{}: {} bytes of tensors, expected {} as the header says (truncated?)", file, data_bytes, end);
}

RawTensors read_tensors(const std::string& file, const JsonField& header, Bytes data) {
    RawTensors tensors;
    std::vector<Range> ranges;
    for (const auto& [name, field] : header.members()) {
        if (name == "__metadata__") continue;
        const DType dtype = dtype_of(field["dtype"]);
        const Shape shape = field["shape"].extents();
        const Range range = range_of(field["data_offsets"], name, data.size());
        const std::optional<int64_t> count = checked_count(shape);
        if (!count || static_cast<uint64_t>(*count) != (range.end - range.begin) / bytes_of(dtype) ||
            (range.end - range.begin) % bytes_of(dtype) != 0)
            data_error("{}: {} ({} {}) has {} bytes, which its shape does not take", file, printable(name),
                       name_of(dtype), to_string(shape), range.end - range.begin);
        tensors[name] = make_raw_tensor(file, name, dtype, shape, contiguous_strides(shape), 0,
                                        data.subspan(range.begin, range.end - range.begin));
        ranges.push_back(range);
    }
    check_covers(file, std::move(ranges), data.size());
    return tensors;
}

/// What save_safetensors() put into the metadata.
void read_metadata(const std::string& file, const JsonField& metadata, Model& model) {
    if (metadata.has(kPreprocessingKey))
        model.preprocessing = parse_preprocessing(
            file, kPreprocessingKey, parse_json_object(file, kPreprocessingKey, metadata[kPreprocessingKey].text()),
            model.architecture.input_channels);
    if (!metadata.has(kClassesKey)) return;
    const json parsed = parse_json_object(file, kClassesKey, metadata[kClassesKey].text());
    for (const JsonField& name : JsonField(file, kClassesKey, parsed)["classes"].elements())
        model.class_names.push_back(name.text());
    check_class_names(file, model.class_names, model.architecture);
}

}  // namespace

bool is_safetensors(Bytes bytes) { return bytes.size() > kPrefix && bytes[kPrefix] == std::byte{'{'}; }

Model read_safetensors(const std::string& file, Bytes bytes) {
    uint64_t length = 0;
    std::memcpy(&length, bytes.data(), sizeof length);
    if (length > bytes.size() - kPrefix || length > kLongestHeader)
        data_error("{}: a header of {} bytes in a file of {} (truncated?), expected at most {}", file, length,
                   bytes.size(), kLongestHeader);
    const json parsed = parse_json_object(file, "the header", bytes.subspan(kPrefix, length));
    const JsonField header(file, "header", parsed);
    Model model = model_of_state_dict(file, read_tensors(file, header, bytes.subspan(kPrefix + length)), bytes.size());
    if (header.has("__metadata__")) read_metadata(file, header["__metadata__"], model);
    return model;
}

}  // namespace adaq
