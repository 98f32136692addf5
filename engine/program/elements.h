// Tensors as the host hands them over, which is in float32, and as they are stored.
#pragma once

#include <span>

#include "engine/program/tensor_type.h"

namespace adaq {

/// values.size() elements of that type; of bf16 to nearest, ties to even. Integers are whole numbers that the type
/// holds.
void store_elements(std::span<const float> values, DType dtype, void* elements);
void load_elements(const void* elements, DType dtype, std::span<float> values);

}  // namespace adaq
