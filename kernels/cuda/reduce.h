// Sums in a fixed order: within a warp by shuffles, within a block through shared memory, and over blocks by a second,
// small kernel (sum_partials). No atomics, so that the same input gives the same bits.
#pragma once

#include "kernels/cuda/platform.h"

namespace adaq::cuda {

struct Add {
    template <typename T>
    __device__ T operator()(T a, T b) const {
        return a + b;
    }
};

/// Every lane gets the warp's result; lanes are combined pairwise at distances 16, 8, ... 1.
template <typename T, typename Combine = Add>
__device__ inline T warp_reduce(T value, Combine combine = {}) {
#pragma unroll
    for (int distance = kWarp / 2; distance > 0; distance /= 2) {
        value = combine(value, __shfl_xor_sync(kAllLanes, value, distance));
    }
    return value;
}

/// Shared memory that block_reduce needs: one value a warp.
template <typename T>
constexpr size_t block_reduce_bytes(int threads) {
    return shared_bytes<T>(threads / kWarp);
}

/// Thread 0 gets the block's result (others: nothing of use). blockDim.x is a multiple of 32; `scratch` holds a value a
/// warp, and may be used again after the next __syncthreads().
template <typename T, typename Combine = Add>
__device__ inline T block_reduce(T value, T* scratch, Combine combine = {}) {
    const int warp = static_cast<int>(threadIdx.x) / kWarp, lane = static_cast<int>(threadIdx.x) % kWarp;
    value = warp_reduce(value, combine);
    if (lane == 0) scratch[warp] = value;
    __syncthreads();
    if (threadIdx.x == 0) {
        for (int i = 1; i < static_cast<int>(blockDim.x) / kWarp; ++i) value = combine(value, scratch[i]);
    }
    return value;
}

/// result[0] = factor * sum of partials[count], by one block; `switched_on` null, or a flag in device memory: the
/// result is 0 where it is 0.
void sum_partials(const double* partials, int64_t count, float factor, float* result, cudaStream_t stream,
                  const float* switched_on = nullptr);

}  // namespace adaq::cuda
