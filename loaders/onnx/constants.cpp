#include "loaders/onnx/constants.h"

#include <algorithm>
#include <cstring>

#include "loaders/weights/raw_tensor.h"

namespace adaq::onnx {
namespace {

template <typename T>
const T* find(const NodeProto& node, std::string_view name) {
    const auto found = std::find_if(node.attributes.begin(), node.attributes.end(),
                                    [&](const Attribute& attribute) { return attribute.name == name; });
    return found == node.attributes.end() ? nullptr : std::get_if<T>(&found->value);
}

std::optional<StoredType> stored_type(DataType type) {
    switch (type) {
        case DataType::float32:
            return StoredType::f32;
        case DataType::float64:
            return StoredType::f64;
        case DataType::float16:
            return StoredType::f16;
        case DataType::bfloat16:
            return StoredType::bf16;
        default:
            return std::nullopt;
    }
}

template <typename T>
std::vector<int64_t> widened(const std::string& bytes) {
    std::vector<T> values(bytes.size() / sizeof(T));
    if (!values.empty()) std::memcpy(values.data(), bytes.data(), values.size() * sizeof(T));
    return {values.begin(), values.end()};
}

}  // namespace

bool is_float(const TensorProto& tensor) { return stored_type(tensor.type).has_value(); }

Tensor floats_of(const std::string& file, const std::string& name, const TensorProto& tensor) {
    const auto bytes = std::as_bytes(std::span(tensor.bytes));
    const StoredType type = stored_type(tensor.type).value_or(StoredType::i8);  // which float_tensor() refuses
    return float_tensor(file, name,
                        make_raw_tensor(file, name, type, tensor.dims, contiguous_strides(tensor.dims), 0, bytes));
}

std::optional<double> single_float(const TensorProto& tensor) {
    const auto type = stored_type(tensor.type);
    if (!type || element_count(tensor.dims) != 1) return std::nullopt;
    return load_float(*type, std::as_bytes(std::span(tensor.bytes)).data());
}

std::optional<std::vector<int64_t>> integers_of(const TensorProto& tensor) {
    if (tensor.type == DataType::int64) return widened<int64_t>(tensor.bytes);
    if (tensor.type == DataType::int32) return widened<int32_t>(tensor.bytes);
    return std::nullopt;
}

int64_t integer(const NodeProto& node, std::string_view name, int64_t otherwise) {
    const auto* found = find<int64_t>(node, name);
    return found ? *found : otherwise;
}

double number(const NodeProto& node, std::string_view name, double otherwise) {
    const auto* found = find<float>(node, name);
    return found ? *found : otherwise;
}

std::string text(const NodeProto& node, std::string_view name, const std::string& otherwise) {
    const auto* found = find<std::string>(node, name);
    return found ? *found : otherwise;
}

std::vector<int64_t> integers(const NodeProto& node, std::string_view name, const std::vector<int64_t>& otherwise) {
    const auto* found = find<std::vector<int64_t>>(node, name);
    return found ? *found : otherwise;
}

const TensorProto* tensor_of(const NodeProto& node, std::string_view name) { return find<TensorProto>(node, name); }

}  // namespace adaq::onnx
