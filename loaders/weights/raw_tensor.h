// A tensor still lying in its file: element type, shape and strides over the file's bytes. Every reader makes these;
// they are converted to float32 only once the whole set of tensors is known to be a network that adaq runs.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "engine/tensor.h"
#include "loaders/weights/dtype.h"

namespace adaq {

struct RawTensor {
    StoredType dtype = StoredType::f32;
    Shape shape;
    Shape strides;                     // in elements; one an extent
    std::span<const std::byte> bytes;  // from element 0 to the end of the storage
    bool negative = false;             // the values are those of the bytes with the other sign
};

using RawTensors = std::map<std::string, RawTensor>;  // by the names in the file

/// Product of the extents; nothing if one is negative or the product does not fit.
std::optional<int64_t> checked_count(const Shape& shape);

/// Strides of a tensor without gaps, last axis fastest.
Shape contiguous_strides(const Shape& shape);

/// Values of a network, or of one tensor, where they are more than the file holds: tensors may repeat their elements.
inline constexpr int64_t kMostRepeated = int64_t{1} << 28;

/// A tensor over `storage` (bytes), its element 0 at element `offset`. DataError naming `file` and `name` unless every
/// element lies inside the storage and there are no more of them than the storage or kMostRepeated.
RawTensor make_raw_tensor(const std::string& file, std::string_view name, StoredType dtype, const Shape& shape,
                          const Shape& strides, int64_t offset, std::span<const std::byte> storage);

/// The values as float32, row-major. DataError naming `file` and `name` unless the type is a floating one and every
/// value is finite.
Tensor float_tensor(const std::string& file, const std::string& name, const RawTensor& tensor);

/// DataError naming the first NaN or infinity of `values`, if there is one.
void check_finite(const std::string& file, const std::string& name, std::span<const float> values);

}  // namespace adaq
