// Products in tf32 by warpgroups: each has 64 rows of the tile and all its columns. Operand A's fragments go through
// registers (ldmatrix), where they are rounded, each element once a block; operand B is read from shared memory by the
// tensor cores and must have been rounded before. Both operands have their summed index fastest, tf32's only order.
#pragma once

#include "kernels/cuda/convolution/tile.h"
#include "kernels/cuda/sm90a/wgmma.h"

namespace adaq::cuda {

template <typename T, typename A, typename B>
class WarpgroupMultiplier {
  public:
    using Sum = float;
    static constexpr bool kCompiled = true;
    static constexpr bool kInBackground = true;
    /// Four warpgroups at least: while some load and wait, the others keep the tensor cores busy.
    static constexpr int kBlocks = T::kThreads > 256 ? 1 : 2;
    static_assert(T::kWarpM == 64 && T::kWarpsN == 4 && T::K == 32 && A::kByRow && B::kByRow);

    /// By each thread, before the barrier at which its copies become everyone's.
    __device__ static void after_copies() { fence_async_proxy(); }
    /// Starts the products of one stage.
    __device__ void start(const float* a, const float* b) {
#pragma unroll
        for (int step = 0; step < kSteps; ++step) load_a(a_[step], a, step * kStep);
        wgmma_fence();
#pragma unroll
        for (int step = 0; step < kSteps; ++step) {
            const uint64_t rows = swizzled_rows(shared_address(b) + step * kStep * static_cast<int>(sizeof(float)));
            wgmma_tf32(sum_, a_[step], rows);
        }
        wgmma_commit();
    }
    /// Until they are done: then the stage may be filled anew.
    __device__ void wait() {
        wgmma_wait<0>();
        wgmma_results(sum_);
    }
    /// The warpgroup's sums, to [64][pitch].
    __device__ void store(float* to, int pitch) const {
#pragma unroll
        for (int j = 0; j < T::N / 8; ++j) {
            float* const at = to + (first_row() + lane() / 4) * pitch + j * 8 + lane() % 4 * 2;
            *reinterpret_cast<float2*>(at) = float2{sum_[4 * j], sum_[4 * j + 1]};
            *reinterpret_cast<float2*>(at + 8 * pitch) = float2{sum_[4 * j + 2], sum_[4 * j + 3]};
        }
    }
    __device__ static int warp_m() { return static_cast<int>(threadIdx.x) / kWarp / 4; }

  private:
    static constexpr int kStep = 8, kSteps = T::K / kStep;

    __device__ static int lane() { return static_cast<int>(threadIdx.x) % kWarp; }
    __device__ static int first_row() { return static_cast<int>(threadIdx.x) / kWarp % 4 * 16; }  // in the warpgroup's

    /// The warp's 16 rows x 8 values of k, as mma_tf32 has them.
    __device__ static void load_a(uint32_t (&f)[4], const float* a, int k) {
        const int matrix = lane() / 8, row = warp_m() * T::kWarpM + first_row() + matrix % 2 * 8 + lane() % 8;
        ldmatrix_x4(f, a + A::index(row, k + matrix / 2 * 4));
#pragma unroll
        for (int i = 0; i < 4; ++i) f[i] = to_tf32(__uint_as_float(f[i]));
    }

    uint32_t a_[kSteps][4];  // must stay as they are while products run
    float sum_[T::N / 2] = {};
};

}  // namespace adaq::cuda
