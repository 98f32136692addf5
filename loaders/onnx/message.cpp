// Tensors of ONNX: sizes, and making them; see message.h.
#include "loaders/onnx/message.h"

#include <array>
#include <cstring>

#include "engine/error.h"

namespace adaq::onnx {
namespace {

template <typename T>
TensorProto copied(std::string name, DataType type, std::span<const T> values, Shape dims) {
    require(element_count(dims) == static_cast<int64_t>(values.size()), "{}: {} values of shape {}", name,
            values.size(), to_string(dims));
    TensorProto made{std::move(name), type, std::move(dims), std::string(values.size_bytes(), '\0')};
    if (!values.empty()) std::memcpy(made.bytes.data(), values.data(), values.size_bytes());
    return made;
}

bool is_signed(DataType type) {
    return type == DataType::int8 || type == DataType::int4 || type == DataType::int2 || type == DataType::int32;
}

}  // namespace

std::string name_of(DataType type) {
    constexpr std::array<std::pair<DataType, const char*>, 18> kNames{{{DataType::float32, "float32"},
                                                                       {DataType::uint8, "uint8"},
                                                                       {DataType::int8, "int8"},
                                                                       {DataType::uint16, "uint16"},
                                                                       {DataType::int16, "int16"},
                                                                       {DataType::int32, "int32"},
                                                                       {DataType::int64, "int64"},
                                                                       {DataType::boolean, "bool"},
                                                                       {DataType::float16, "float16"},
                                                                       {DataType::float64, "double"},
                                                                       {DataType::uint32, "uint32"},
                                                                       {DataType::uint64, "uint64"},
                                                                       {DataType::bfloat16, "bfloat16"},
                                                                       {DataType::uint4, "uint4"},
                                                                       {DataType::int4, "int4"},
                                                                       {DataType::uint2, "uint2"},
                                                                       {DataType::int2, "int2"},
                                                                       {DataType::undefined, "no type"}}};
    for (const auto& [known, name] : kNames)
        if (known == type) return name;
    return "type " + std::to_string(static_cast<int32_t>(type));
}

int bits_of(DataType type) {
    switch (type) {
        case DataType::uint2:
        case DataType::int2:
            return 2;
        case DataType::uint4:
        case DataType::int4:
            return 4;
        case DataType::uint8:
        case DataType::int8:
        case DataType::boolean:
            return 8;
        case DataType::uint16:
        case DataType::int16:
        case DataType::float16:
        case DataType::bfloat16:
            return 16;
        case DataType::float32:
        case DataType::int32:
        case DataType::uint32:
            return 32;
        case DataType::float64:
        case DataType::int64:
        case DataType::uint64:
            return 64;
        case DataType::undefined:
            break;
    }
    return 0;
}

int64_t bytes_of(DataType type, const Shape& dims) { return (element_count(dims) * bits_of(type) + 7) / 8; }

TensorProto tensor(std::string name, std::span<const float> values, Shape dims) {
    return copied(std::move(name), DataType::float32, values, std::move(dims));
}
TensorProto tensor(std::string name, std::span<const int32_t> values, Shape dims) {
    return copied(std::move(name), DataType::int32, values, std::move(dims));
}
TensorProto tensor(std::string name, std::span<const int64_t> values, Shape dims) {
    return copied(std::move(name), DataType::int64, values, std::move(dims));
}

TensorProto integers(std::string name, DataType type, std::span<const int32_t> values, Shape dims) {
    if (type == DataType::int32) return tensor(std::move(name), values, std::move(dims));
    const int bits = bits_of(type);
    require(bits > 0 && bits <= 8 && element_count(dims) == static_cast<int64_t>(values.size()),
            "{}: {} integers of {} bits and shape {}", name, values.size(), bits, to_string(dims));
    const int least = is_signed(type) ? -(1 << (bits - 1)) : 0, most = least + (1 << bits) - 1;
    TensorProto made{std::move(name), type, std::move(dims), {}};
    made.bytes.resize(static_cast<size_t>(bytes_of(type, made.dims)));
    const size_t in_a_byte = 8 / static_cast<size_t>(bits);
    for (size_t i = 0; i < values.size(); ++i) {
        require(values[i] >= least && values[i] <= most, "{}: {} in {} bits", made.name, values[i], bits);
        const unsigned code = static_cast<unsigned>(values[i]) & ((1U << bits) - 1);
        char& byte = made.bytes[i / in_a_byte];
        byte = static_cast<char>(static_cast<uint8_t>(byte) | code << (i % in_a_byte * static_cast<size_t>(bits)));
    }
    return made;
}

}  // namespace adaq::onnx
