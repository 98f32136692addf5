// Element types of weights files; see dtype.h.
#include "loaders/weights/dtype.h"

#include <cmath>
#include <cstring>

#include "engine/error.h"

namespace adaq {
namespace {

template <typename T>
T load(const std::byte* element) {  // tensors in .safetensors and legacy files are not aligned
    T value;
    std::memcpy(&value, element, sizeof value);
    return value;
}

}  // namespace

size_t bytes_of(StoredType dtype) {
    switch (dtype) {
        case StoredType::f64:
        case StoredType::i64:
            return 8;
        case StoredType::f32:
        case StoredType::i32:
            return 4;
        case StoredType::f16:
        case StoredType::bf16:
        case StoredType::i16:
            return 2;
        case StoredType::i8:
        case StoredType::u8:
        case StoredType::boolean:
            return 1;
    }
    return 1;
}

std::string_view name_of(StoredType dtype) {
    switch (dtype) {
        case StoredType::f64:
            return "float64";
        case StoredType::f32:
            return "float32";
        case StoredType::f16:
            return "float16";
        case StoredType::bf16:
            return "bfloat16";
        case StoredType::i64:
            return "int64";
        case StoredType::i32:
            return "int32";
        case StoredType::i16:
            return "int16";
        case StoredType::i8:
            return "int8";
        case StoredType::u8:
            return "uint8";
        case StoredType::boolean:
            return "bool";
    }
    return "unknown";
}

bool is_float(StoredType dtype) {
    return dtype == StoredType::f64 || dtype == StoredType::f32 || dtype == StoredType::f16 ||
           dtype == StoredType::bf16;
}

float float_of_half(uint16_t bits) {
    const uint32_t sign = static_cast<uint32_t>(bits & 0x8000u) << 16;
    const uint32_t exponent = (bits >> 10) & 0x1fu, fraction = bits & 0x3ffu;
    if (exponent == 0) {  // zero or subnormal: fraction * 2^-24, exact in float
        const float magnitude = std::ldexp(static_cast<float>(fraction), -24);
        return sign ? -magnitude : magnitude;
    }
    const uint32_t widened = exponent == 31 ? 255u : exponent + (127 - 15);
    return std::bit_cast<float>(sign | widened << 23 | fraction << 13);
}

float load_float(StoredType dtype, const std::byte* element) {
    switch (dtype) {
        case StoredType::f64:
            return static_cast<float>(load<double>(element));
        case StoredType::f32:
            return load<float>(element);
        case StoredType::f16:
            return float_of_half(load<uint16_t>(element));
        case StoredType::bf16:
            return float_of_bfloat16(load<uint16_t>(element));
        default:
            break;
    }
    require(false, "load_float: {} is not a floating type", name_of(dtype));
    return 0.0f;
}

}  // namespace adaq
