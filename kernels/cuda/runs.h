// A run is `Count` (1, 2, 4 or 8) consecutive elements of a tensor, of which the first has an index that Count divides,
// so that the random bits of a run come from one block (engine/random.h), and that it is loaded and stored as a whole.
#pragma once

#include "kernels/cuda/platform.h"

namespace adaq::cuda {

/// Loads or stores a run; one access of 16 bytes where Count is a multiple of 4, of 8 where it is 2 (the address must
/// be aligned to that).
template <int Count>
__device__ inline void load_run(float (&v)[Count], const float* from) {
    if constexpr (Count % 4 == 0) {
#pragma unroll
        for (int i = 0; i < Count; i += 4) {
            const float4 four = *reinterpret_cast<const float4*>(from + i);
            v[i] = four.x, v[i + 1] = four.y, v[i + 2] = four.z, v[i + 3] = four.w;
        }
    } else if constexpr (Count == 2) {
        const float2 two = *reinterpret_cast<const float2*>(from);
        v[0] = two.x, v[1] = two.y;
    } else {
        v[0] = *from;
    }
}

template <int Count>
__device__ inline void store_run(float* to, const float (&v)[Count]) {
    if constexpr (Count % 4 == 0) {
#pragma unroll
        for (int i = 0; i < Count; i += 4) {
            *reinterpret_cast<float4*>(to + i) = float4{v[i], v[i + 1], v[i + 2], v[i + 3]};
        }
    } else if constexpr (Count == 2) {
        *reinterpret_cast<float2*>(to) = float2{v[0], v[1]};
    } else {
        *to = v[0];
    }
}

template <int Count>
__device__ inline void load_run(int32_t (&v)[Count], const int32_t* from) {
    if constexpr (Count % 4 == 0) {
#pragma unroll
        for (int i = 0; i < Count; i += 4) {
            const int4 four = *reinterpret_cast<const int4*>(from + i);
            v[i] = four.x, v[i + 1] = four.y, v[i + 2] = four.z, v[i + 3] = four.w;
        }
    } else {
        static_assert(Count == 1);
        v[0] = *from;
    }
}

template <int Count>
__device__ inline void store_run(int32_t* to, const int32_t (&v)[Count]) {
    if constexpr (Count % 4 == 0) {
#pragma unroll
        for (int i = 0; i < Count; i += 4) {
            *reinterpret_cast<int4*>(to + i) = int4{v[i], v[i + 1], v[i + 2], v[i + 3]};
        }
    } else {
        static_assert(Count == 1);
        *to = v[0];
    }
}

/// The same for codes, as the numbers that they are: one access of 8 bytes where Count is 8.
template <int Count>
__device__ inline void load_run(float (&v)[Count], const uint8_t* from) {
    if constexpr (Count == 8) {
        const uint2 packed = *reinterpret_cast<const uint2*>(from);
#pragma unroll
        for (int i = 0; i < 4; ++i) {
            v[i] = static_cast<float>(packed.x >> (8 * i) & 0xFFu);
            v[i + 4] = static_cast<float>(packed.y >> (8 * i) & 0xFFu);
        }
    } else {
        static_assert(Count == 1);
        v[0] = static_cast<float>(*from);
    }
}

template <int Count>
__device__ inline void store_run(uint8_t* to, const uint8_t (&v)[Count]) {
    if constexpr (Count == 8) {
        uint2 packed{0, 0};
#pragma unroll
        for (int i = 0; i < 4; ++i) {
            packed.x |= static_cast<unsigned>(v[i]) << (8 * i);
            packed.y |= static_cast<unsigned>(v[i + 4]) << (8 * i);
        }
        *reinterpret_cast<uint2*>(to) = packed;
    } else {
        static_assert(Count == 1);
        *to = v[0];
    }
}

template <int Count>
__device__ inline void store_run(uint8_t* to, const float (&v)[Count]) {
    uint8_t codes[Count];
#pragma unroll
    for (int i = 0; i < Count; ++i) codes[i] = static_cast<uint8_t>(v[i]);
    store_run<Count>(to, codes);
}

/// On the host: whether runs of `Count` can be loaded from and stored to a tensor as a whole.
template <int Count>
inline bool aligned_runs(const void* pointer) {
    constexpr uintptr_t kBytes = Count % 4 == 0 ? 16 : Count * 4;
    return reinterpret_cast<uintptr_t>(pointer) % kBytes == 0;
}

}  // namespace adaq::cuda
