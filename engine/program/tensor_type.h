// What a tensor of a program is: its shape, and how its elements are stored.
#pragma once

#include "engine/tensor.h"

namespace adaq {

/// Element types. Programs compute in f32; bf16 halves the memory of what products read (bf16_storage.h), i8 and u8 are
/// the codes of weights and activations, i32 their sums.
enum class DType { f32, bf16, i8, u8, i32 };

struct TensorType {
    Shape shape;
    DType dtype = DType::f32;

    int64_t elements() const { return element_count(shape); }
};

inline int64_t bytes_of(DType dtype) {
    switch (dtype) {
        case DType::i8:
        case DType::u8:
            return 1;
        case DType::bf16:
            return 2;
        case DType::f32:
        case DType::i32:
            return 4;
    }
    return 0;
}

inline int64_t bytes_of(const TensorType& type) { return type.elements() * bytes_of(type.dtype); }

}  // namespace adaq
