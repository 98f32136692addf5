// Reads the flat binary: header, layout, checksums, then the tensors; see flat_binary.h.
#include <algorithm>
#include <cstring>

#include "engine/error.h"
#include "engine/printable.h"
#include "loaders/weights/bit_packing.h"
#include "loaders/weights/checks.h"
#include "loaders/weights/flat_binary.h"
#include "loaders/weights/flat_header.h"
#include "loaders/weights/json_field.h"
#include "loaders/weights/raw_tensor.h"

namespace adaq {
namespace {

using Bytes = std::span<const std::byte>;

const std::map<std::string, StoredType> kFloatTypes{
    {"f32", StoredType::f32}, {"f16", StoredType::f16}, {"bf16", StoredType::bf16}};

Bytes header_bytes(const std::string& file, Bytes bytes) {
    if (bytes.size() < kFlatPrefix) data_error("{}: {} bytes, too short for a header", file, bytes.size());
    uint64_t length = 0;
    std::memcpy(&length, bytes.data() + kFlatMagic.size(), sizeof length);
    if (length > bytes.size() - kFlatPrefix)
        data_error("{}: a header of {} bytes in a file of {} bytes (truncated?)", file, length, bytes.size());
    if (length > kLongestHeader)
        data_error("{}: a header of {} bytes, expected at most {}", file, length, kLongestHeader);
    return bytes.subspan(kFlatPrefix, length);
}

/// Bytes that a tensor of this dtype and shape takes; DataError where that is not a number.
uint64_t expected_bytes(const std::string& file, const FlatTensor& tensor) {
    const std::optional<int64_t> count = checked_count(tensor.shape);
    if (!count || *count > int64_t{1} << 50)
        data_error("{}: {} has the impossible shape {}", file, printable(tensor.name), to_string(tensor.shape));
    const size_t elements = *count;
    if (const int bits = bits_of_dtype(tensor.dtype)) return packed_bytes(elements, bits);
    return elements * (tensor.dtype == "f16" || tensor.dtype == "bf16" ? 2 : 4);
}

void check_place(const std::string& file, const FlatTensor& tensor, uint64_t file_bytes) {
    const std::string name = printable(tensor.name);
    const uint64_t expected = expected_bytes(file, tensor);
    if (tensor.bytes != expected)
        data_error("{}: {} ({} {}) has {} bytes, expected {}", file, name, tensor.dtype, to_string(tensor.shape),
                   tensor.bytes, expected);
    if (tensor.offset % kFlatAlignment != 0)
        data_error("{}: {} is at {}, expected a multiple of {}", file, name, tensor.offset, kFlatAlignment);
    if (tensor.offset > file_bytes || tensor.bytes > file_bytes - tensor.offset)
        data_error("{}: {} ends at {}, but the file has {} bytes (truncated?)", file, name,
                   tensor.offset + tensor.bytes, file_bytes);
}

void check_zeros(const std::string& file, Bytes bytes, uint64_t from, uint64_t to) {
    for (uint64_t i = from; i < to; ++i)
        if (bytes[i] != std::byte{0})
            data_error("{}: the byte at {} belongs to no tensor and is not zero (damaged?)", file, i);
}

/// Bounds, alignment, no overlap, zeros in between, checksums.
void check_layout(const std::string& file, const FlatHeader& header, Bytes bytes, uint64_t header_end) {
    std::vector<const FlatTensor*> order;
    for (const FlatTensor& tensor : header.tensors) {
        check_place(file, tensor, bytes.size());
        order.push_back(&tensor);
    }
    std::stable_sort(order.begin(), order.end(),
                     [](const FlatTensor* a, const FlatTensor* b) { return a->offset < b->offset; });
    uint64_t end = header_end;
    for (const FlatTensor* tensor : order) {
        if (tensor->offset < end)
            data_error("{}: {} at {} overlaps what ends at {}", file, printable(tensor->name), tensor->offset, end);
        check_zeros(file, bytes, end, tensor->offset);
        end = tensor->offset + tensor->bytes;
    }
    check_zeros(file, bytes, end, bytes.size());
    for (const FlatTensor& tensor : header.tensors) {
        const uint32_t found = crc32_of(bytes.subspan(tensor.offset, tensor.bytes));
        if (found != tensor.crc32)
            data_error("{}: {}'s bytes have CRC-32 {:08x}, the header says {:08x} (damaged?)", file,
                       printable(tensor.name), found, tensor.crc32);
    }
}

/// The tensors of a checked file by name; each is taken out once.
class TensorShelf {
  public:
    TensorShelf(const std::string& file, const FlatHeader& header, Bytes bytes) : file_(file), bytes_(bytes) {
        for (const FlatTensor& tensor : header.tensors)
            if (!tensors_.emplace(tensor.name, &tensor).second)
                data_error("{}: the header names {} twice", file, printable(tensor.name));
    }

    const FlatTensor& take(const std::string& name) {
        const auto found = tensors_.find(name);
        if (found == tensors_.end())
            data_error("{}: no {}, which the header's quantisation needs", file_, printable(name));
        const FlatTensor& tensor = *found->second;
        tensors_.erase(found);
        return tensor;
    }

    Bytes bytes_of(const FlatTensor& tensor) const { return bytes_.subspan(tensor.offset, tensor.bytes); }

    Tensor floats(const FlatTensor& tensor) const {
        const auto dtype = kFloatTypes.find(tensor.dtype);
        if (dtype == kFloatTypes.end())
            data_error("{}: {} has dtype {}, but the header's quantisation does not mention it", file_,
                       printable(tensor.name), tensor.dtype);
        return float_tensor(file_, tensor.name,
                            {dtype->second, tensor.shape, contiguous_strides(tensor.shape), bytes_of(tensor)});
    }

    /// The float32 scales or int32 zero points `name`, as floats.
    std::vector<float> list(const std::string& name, const std::string& dtype) {
        if (dtype == "f32") return values<float>(take_list(name, dtype));
        const std::vector<int32_t> whole = integers(name);
        return {whole.begin(), whole.end()};
    }
    std::vector<int32_t> integers(const std::string& name) { return values<int32_t>(take_list(name, "i32")); }

    const std::map<std::string, const FlatTensor*>& rest() const { return tensors_; }

  private:
    const FlatTensor& take_list(const std::string& name, const std::string& dtype) {
        const FlatTensor& tensor = take(name);
        if (tensor.dtype != dtype || tensor.shape.size() != 1)
            data_error("{}: {} is {} {}, expected {} in one dimension", file_, printable(name), tensor.dtype,
                       to_string(tensor.shape), dtype);
        return tensor;
    }

    template <typename T>
    std::vector<T> values(const FlatTensor& tensor) const {
        std::vector<T> list(tensor.bytes / sizeof(T));
        if (!list.empty()) std::memcpy(list.data(), bytes_of(tensor).data(), tensor.bytes);
        return list;
    }

    const std::string& file_;
    Bytes bytes_;
    std::map<std::string, const FlatTensor*> tensors_;
};

QuantisedWeight read_weight(const std::string& file, TensorShelf& shelf, const std::string& name,
                            const FlatQuantiser& quantiser) {
    const FlatTensor& tensor = shelf.take(name);
    const Bytes packed = shelf.bytes_of(tensor);
    if (bits_of_dtype(tensor.dtype) != quantiser.grid.bits)
        data_error("{}: {} has dtype {}, expected q{} as its quantisation says", file, printable(name), tensor.dtype,
                   quantiser.grid.bits);
    const size_t count = element_count(tensor.shape);
    if (!filled_with_zero_bits(packed, count, quantiser.grid.bits))
        data_error("{}: {}'s last byte is not filled up with zero bits", file, printable(name));
    return {tensor.shape,
            quantiser.grid,
            quantiser.scheme,
            unpack_codes(packed, count, quantiser.grid),
            shelf.list(name + ".scale", "f32"),
            shelf.list(name + ".zero_point", "i32")};
}

QuantisedActivation read_activation(const std::string& file, TensorShelf& shelf, const std::string& site,
                                    const FlatQuantiser& quantiser) {
    const std::string name = "activation." + site;
    const std::vector<float> scale = shelf.list(name + ".scale", "f32");
    const std::vector<float> zero_point = shelf.list(name + ".zero_point", "i32");
    if (scale.size() != 1 || zero_point.size() != 1)
        data_error("{}: {} has {} scales and {} zero points, expected 1 of both", file, printable(name), scale.size(),
                   zero_point.size());
    return {quantiser.grid, quantiser.scheme, scale[0], zero_point[0]};
}

QuantisedBias read_bias(const std::string& file, TensorShelf& shelf, const std::string& name) {
    QuantisedBias bias{shelf.integers(name), shelf.list(name + ".scale", "f32")};
    if (bias.codes.size() != bias.scale.size())
        data_error("{}: {} has {} codes and {} scales, expected as many", file, printable(name), bias.codes.size(),
                   bias.scale.size());
    return bias;
}

Quantisation read_quantisation(const std::string& file, TensorShelf& shelf, const FlatQuantisation& header) {
    Quantisation result;
    result.arithmetic = header.arithmetic;
    result.folded = header.folded;
    result.settings = header.settings;
    for (const auto& [name, quantiser] : header.weights)
        result.weights.emplace(name, read_weight(file, shelf, name, quantiser));
    for (const auto& [site, quantiser] : header.activations)
        result.activations.emplace(site, read_activation(file, shelf, site, quantiser));
    for (const std::string& name : header.biases) result.biases.emplace(name, read_bias(file, shelf, name));
    return result;
}

}  // namespace

StoredModel read_flat_binary(const std::string& file, Bytes bytes) {
    const Bytes text = header_bytes(file, bytes);
    FlatHeader header = parse_flat_header(file, text);
    check_layout(file, header, bytes, kFlatPrefix + text.size());

    TensorShelf shelf(file, header, bytes);
    StoredModel model;
    if (header.quantisation) model.quantisation = read_quantisation(file, shelf, *header.quantisation);
    if (model.quantisation)
        for (const auto& [name, bias] : model.quantisation->biases) model.tensors.emplace(name, bias.values());
    for (const auto& [name, tensor] : shelf.rest()) model.tensors.emplace(name, shelf.floats(*tensor));
    model.graph = std::move(header.graph);
    model.preprocessing = std::move(header.preprocessing);
    model.input_height = header.input_height;
    model.input_width = header.input_width;
    model.class_names = std::move(header.class_names);
    model.extra = std::move(header.extra);
    check_model(file, model);
    return model;
}

}  // namespace adaq
