// Products in float32 on the ordinary cores. A warp's lanes stand 8 (rows) x 4 (columns); a thread sums kRows x
// kColumns products and reads 16 bytes of shared memory at a time: 256 multiply-adds for 16 reads at 8 x 8.
#pragma once

#include "kernels/cuda/convolution/tile.h"
#include "kernels/cuda/epilogue.h"

namespace adaq::cuda {

template <typename T, typename A, typename B>
class FmaMultiplier {
  public:
    static constexpr bool kInBackground = false;
    static constexpr int kBlocks = 1;

    /// Adds the products of one stage.
    __device__ void multiply(const float* a, const float* b) {
        const int row = warp_m() * T::kWarpM, column = warp_n() * T::kWarpN;
#pragma unroll 1  // 256 multiply-adds are enough of a body, and more would hold more registers
        for (int k = 0; k < T::K; k += kChunk) {
            float fa[kRows][kChunk], fb[kColumns][kChunk];
            load<A, kLanesM>(fa, a, row, lane_m(), k);
            load<B, kLanesN>(fb, b, column, lane_n(), k);
#pragma unroll
            for (int kk = 0; kk < kChunk; ++kk) {
#pragma unroll
                for (int i = 0; i < kRows; ++i) {
#pragma unroll
                    for (int j = 0; j < kColumns; ++j) sum_[i][j] = fmaf(fa[i][kk], fb[j][kk], sum_[i][j]);
                }
            }
        }
    }
    /// The warp's sums, to [kWarpM][pitch] of which this is row 0 of the warp.
    __device__ void store(float* to, int pitch) const {
#pragma unroll
        for (int i = 0; i < kRows; ++i) {
#pragma unroll
            for (int j = 0; j < kColumns; ++j) {
                to[place<A, kLanesM>(lane_m(), i) * pitch + warp_n() * T::kWarpN + place<B, kLanesN>(lane_n(), j)] =
                    sum_[i][j];
            }
        }
    }
    __device__ static int warp_m() { return static_cast<int>(threadIdx.x) / kWarp / T::kWarpsN; }

  private:
    static constexpr int kLanesM = 8, kLanesN = 4;
    static constexpr int kRows = T::kWarpM / kLanesM, kColumns = T::kWarpN / kLanesN;

    __device__ static int warp_n() { return static_cast<int>(threadIdx.x) / kWarp % T::kWarpsN; }
    __device__ static int lane_m() { return static_cast<int>(threadIdx.x) % kLanesM; }
    __device__ static int lane_n() { return static_cast<int>(threadIdx.x) % kWarp / kLanesM; }

    /// Where a lane's i-th row (or column) lies: neighbours side by side in chunks where rows run fastest.
    template <typename Layout, int Lanes>
    __device__ static constexpr int place(int lane, int i) {
        return Layout::kByRow ? lane + i * Lanes : i / kChunk * (Lanes * kChunk) + lane * kChunk + i % kChunk;
    }
    template <typename Layout, int Lanes, int Count>
    __device__ static void load(float (&f)[Count][kChunk], const float* from, int first, int lane, int k) {
        if constexpr (Layout::kByRow) {
#pragma unroll
            for (int i = 0; i < Count; ++i)
                load_run<kChunk>(f[i], from + Layout::index(first + place<Layout, Lanes>(lane, i), k));
        } else {
#pragma unroll
            for (int kk = 0; kk < kChunk; ++kk) {
#pragma unroll
                for (int i = 0; i < Count; i += kChunk) {
                    float v[kChunk];
                    load_run<kChunk>(v, from + Layout::index(first + place<Layout, Lanes>(lane, i), k + kk));
#pragma unroll
                    for (int j = 0; j < kChunk; ++j) f[i + j][kk] = v[j];
                }
            }
        }
    }

    float sum_[kRows][kColumns] = {};
};

}  // namespace adaq::cuda
