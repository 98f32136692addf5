// Tensors that may lie in bf16 (engine/program/bf16_storage.h), read and written in runs as the float32 that they stand
// for.
#pragma once

#include "kernels/cuda/ptx.h"
#include "kernels/cuda/runs.h"

namespace adaq::cuda {

/// Of the two pointers one is set, or none where there is no such tensor.
struct Source {
    const float* values = nullptr;
    const bf16* halves = nullptr;

    __device__ float at(int64_t index) const { return halves ? to_float(halves[index]) : values[index]; }
    template <int Count>
    __device__ void load(float (&v)[Count], int64_t first) const {
        if (!halves) return load_run<Count>(v, values + first);
        if constexpr (Count == 8) {
            const uint4 packed = *reinterpret_cast<const uint4*>(halves + first);
            const uint32_t words[4] = {packed.x, packed.y, packed.z, packed.w};
#pragma unroll
            for (int i = 0; i < 4; ++i) {
                v[2 * i] = __uint_as_float(words[i] << 16);
                v[2 * i + 1] = __uint_as_float(words[i] & 0xFFFF0000u);
            }
        } else {
#pragma unroll
            for (int i = 0; i < Count; ++i) v[i] = to_float(halves[first + i]);
        }
    }
    const void* address() const { return halves ? static_cast<const void*>(halves) : values; }
};

/// Values are rounded to bf16 to nearest, ties to even.
struct Target {
    float* values = nullptr;
    bf16* halves = nullptr;

    template <int Count>
    __device__ void store(int64_t first, const float (&v)[Count]) const {
        if (!halves) return store_run<Count>(values + first, v);
        if constexpr (Count == 8) {
            *reinterpret_cast<uint4*>(halves + first) =
                uint4{pack_bf16(v[0], v[1]), pack_bf16(v[2], v[3]), pack_bf16(v[4], v[5]), pack_bf16(v[6], v[7])};
        } else {
#pragma unroll
            for (int i = 0; i < Count; ++i) halves[first + i] = to_bf16(v[i]);
        }
    }
    const void* address() const { return halves ? static_cast<const void*>(halves) : values; }
};

}  // namespace adaq::cuda
