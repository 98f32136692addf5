// A run is `Count` (1, 2, 4 or 8) consecutive elements of a tensor, of which the first has an index that Count divides,
// so that the random bits of a run come from one block (engine/random.h), and that it is loaded and stored as a whole.
#pragma once

#include "kernels/cuda/platform.h"

namespace adaq::cuda {

/// What one access of 8 or 16 bytes holds.
template <typename T>
struct Packed;
template <>
struct Packed<float> {
    using Two = float2;
    using Four = float4;
};
template <>
struct Packed<int32_t> {
    using Two = int2;
    using Four = int4;
};

/// Loads or stores a run of floats or 32-bit integers; one access of 16 bytes where Count is a multiple of 4, of 8
/// where it is 2 (the address must be aligned to that).
template <int Count, typename T, typename Four = typename Packed<T>::Four>
__device__ inline void load_run(T (&v)[Count], const T* from) {
    if constexpr (Count % 4 == 0) {
#pragma unroll
        for (int i = 0; i < Count; i += 4) {
            const Four four = *reinterpret_cast<const Four*>(from + i);
            v[i] = four.x, v[i + 1] = four.y, v[i + 2] = four.z, v[i + 3] = four.w;
        }
    } else if constexpr (Count == 2) {
        const auto two = *reinterpret_cast<const typename Packed<T>::Two*>(from);
        v[0] = two.x, v[1] = two.y;
    } else {
        v[0] = *from;
    }
}

template <int Count, typename T, typename Four = typename Packed<T>::Four>
__device__ inline void store_run(T* to, const T (&v)[Count]) {
    if constexpr (Count % 4 == 0) {
#pragma unroll
        for (int i = 0; i < Count; i += 4) {
            *reinterpret_cast<Four*>(to + i) = Four{v[i], v[i + 1], v[i + 2], v[i + 3]};
        }
    } else if constexpr (Count == 2) {
        *reinterpret_cast<typename Packed<T>::Two*>(to) = {v[0], v[1]};
    } else {
        *to = v[0];
    }
}

/// v = combine(v, the run of a tensor at `first`), where there is a tensor.
template <int Count, typename Combine>
__device__ inline void combine_run(float (&v)[Count], const float* tensor, int64_t first, const Combine& combine) {
    if (!tensor) return;
    float other[Count];
    load_run<Count>(other, tensor + first);
#pragma unroll
    for (int i = 0; i < Count; ++i) v[i] = combine(v[i], other[i]);
}

template <int Count>
__device__ inline void add_run(float (&v)[Count], const float* tensor, int64_t first) {
    combine_run<Count>(v, tensor, first, [](float a, float b) { return a + b; });
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
