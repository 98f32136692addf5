// The element types found in weights files, and their conversion to the float32 that adaq computes with.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace adaq {

static_assert(std::endian::native == std::endian::little, "weights files are little-endian and read in place");

enum class StoredType { f64, f32, f16, bf16, i64, i32, i16, i8, u8, boolean };

size_t bytes_of(StoredType dtype);
std::string_view name_of(StoredType dtype);  // "float16", for messages
bool is_float(StoredType dtype);

/// IEEE half to float, exactly, subnormals, infinities and NaN included.
float float_of_half(uint16_t bits);

/// bfloat16 is the upper half of a float.
inline float float_of_bfloat16(uint16_t bits) { return std::bit_cast<float>(static_cast<uint32_t>(bits) << 16); }

/// One element of a floating type as float; a double is rounded to nearest (beyond float's range: infinity).
float load_float(StoredType dtype, const std::byte* element);

}  // namespace adaq
