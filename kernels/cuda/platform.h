// What every .cu file builds on: the CUDA runtime, or the emulator that stands in for it in the tests (ADAQ_EMULATE).
//
// Kernels are plain CUDA with five habits that let the emulator see everything they do:
// - they are started by launch(), never by <<<>>>;
// - shared memory is carved out of one dynamic block by SharedMemory, whose size the launcher adds up by
// shared_bytes();
// - every test of an index against an extent is written inside(index, extent);
// - threads meet only in __syncthreads(), __syncwarp() and the ..._sync collectives with all 32 lanes named;
// - copies to shared memory in the background, matrix products and the like go through ptx.h.
// Floats are never added by atomics: the same input gives the same bits.
#pragma once

#include <cstddef>
#include <cstdint>

#if defined(ADAQ_EMULATE)
#include "kernels/emulator/cuda.h"
#else
#include <cuda_runtime.h>
#endif

#include "engine/error.h"
#include "kernels/cuda/check.h"

namespace adaq::cuda {

inline constexpr int kWarp = 32;
inline constexpr unsigned kAllLanes = 0xFFFFFFFFu;

/// Pieces of shared memory begin at multiples of this, so that rows of 128 bytes meet the banks as their author counts.
inline constexpr size_t kSharedAlignment = 128;

/// What SharedMemory::take<T>(count) uses up.
template <typename T>
__host__ __device__ constexpr size_t shared_bytes(size_t count) {
    return (count * sizeof(T) + kSharedAlignment - 1) / kSharedAlignment * kSharedAlignment;
}

__host__ __device__ constexpr int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

/// A grid's extent. Throws std::logic_error beyond what CUDA has: 2^31 - 1 blocks along x, 65,535 along y and z.
inline unsigned blocks_along_x(int64_t blocks) {
    require(blocks > 0 && blocks <= 2147483647, "cuda: {} blocks along x", blocks);
    return static_cast<unsigned>(blocks);
}
inline unsigned blocks_along_yz(int64_t blocks) {
    require(blocks > 0 && blocks <= 65535, "cuda: {} blocks along y or z", blocks);
    return static_cast<unsigned>(blocks);
}

/// Whether an index lies inside an extent; the only form of bounds check in kernels.
template <typename Index, typename Extent>
__host__ __device__ constexpr bool inside(Index index, Extent extent) {
    return index < static_cast<Index>(extent);
}

#if !defined(ADAQ_EMULATE)

/// A block's dynamic shared memory, handed out piece by piece. Every thread makes one at the start of the kernel and
/// takes the same pieces in the same order.
class SharedMemory {
  public:
    __device__ SharedMemory() {
        extern __shared__ __align__(1024) unsigned char adaq_shared_memory[];
        next_ = adaq_shared_memory;
    }
    template <typename T>
    __device__ T* take(size_t count) {
        T* piece = reinterpret_cast<T*>(next_);
        next_ += shared_bytes<T>(count);
        return piece;
    }

  private:
    unsigned char* next_;
};

/// A stream, and where in the source it was handed to launch().
struct LaunchStream {
    cudaStream_t stream;
    std::source_location where;
    LaunchStream(cudaStream_t s, std::source_location w = std::source_location::current()) : stream(s), where(w) {}
};

/// Starts a kernel. Throws DataError where CUDA refuses.
template <typename... Parameters, typename... Arguments>
void launch(void (*kernel)(Parameters...), dim3 grid, dim3 block, size_t shared, LaunchStream stream,
            Arguments&&... arguments) {
    constexpr size_t kWithoutAsking = 48 * 1024;
    if (shared > kWithoutAsking) {
        check_cuda(cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, static_cast<int>(shared)),
                   stream.where);
    }
    cudaLaunchConfig_t config{};
    config.gridDim = grid;
    config.blockDim = block;
    config.dynamicSmemBytes = shared;
    config.stream = stream.stream;
    check_cuda(cudaLaunchKernelEx(&config, kernel, static_cast<Parameters>(arguments)...), stream.where);
}

#endif

}  // namespace adaq::cuda
