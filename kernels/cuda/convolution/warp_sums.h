// The sums of a warp's part of a tile in blocks of 16 rows by 8 columns, as mma instructions leave them: each thread
// has those of two rows, 8 apart, and of two columns side by side.
#pragma once

#include "kernels/cuda/convolution/tile.h"
#include "kernels/cuda/runs.h"

namespace adaq::cuda {

/// What multipliers by mma instructions have in common; S: a sum.
template <typename T, typename S>
class WarpSums {
  public:
    using Sum = S;
    static constexpr bool kInBackground = false;
    static constexpr int kBlocks = 1;

    /// The warp's sums, to [kWarpM][pitch] of which this is row 0 of the warp.
    __device__ void store(S* to, int pitch) const {
#pragma unroll
        for (int i = 0; i < kBlocksM; ++i) {
#pragma unroll
            for (int j = 0; j < kBlocksN; ++j) {
                S* const at = to + (i * 16 + group()) * pitch + warp_n() * T::kWarpN + j * 8 + 2 * member();
                const S first[2] = {sum_[i][j][0], sum_[i][j][1]}, second[2] = {sum_[i][j][2], sum_[i][j][3]};
                store_run<2>(at, first);
                store_run<2>(at + 8 * pitch, second);
            }
        }
    }
    __device__ static int warp_m() { return static_cast<int>(threadIdx.x) / kWarp / T::kWarpsN; }

  protected:
    __device__ static int lane() { return static_cast<int>(threadIdx.x) % kWarp; }
    __device__ static int group() { return lane() / 4; }   // the PTX ISA's groupID
    __device__ static int member() { return lane() % 4; }  // and threadID_in_group

    /// Adds the products of one stage, `step` values of k at a time. Fragments: load_a() loads 16 rows, load_b() two
    /// blocks of 8 columns, and multiply_block() multiplies them.
    template <int step, typename Fragments, typename Element>
    __device__ void add_products(const Element* a, const Element* b) {
#pragma unroll
        for (int k = 0; k < T::K; k += step) {
            uint32_t fa[kBlocksM][4], fb[kBlocksN][2];
#pragma unroll
            for (int i = 0; i < kBlocksM; ++i) Fragments::load_a(fa[i], a, warp_m() * T::kWarpM + i * 16, k);
#pragma unroll
            for (int j = 0; j < kBlocksN; j += 2)
                Fragments::load_b(fb[j], fb[j + 1], b, warp_n() * T::kWarpN + j * 8, k);
#pragma unroll
            for (int i = 0; i < kBlocksM; ++i) {
#pragma unroll
                for (int j = 0; j < kBlocksN; ++j) Fragments::multiply_block(sum_[i][j], fa[i], fb[j]);
            }
        }
    }

  private:
    static constexpr int kBlocksM = T::kWarpM / 16, kBlocksN = T::kWarpN / 8;

    __device__ static int warp_n() { return static_cast<int>(threadIdx.x) / kWarp % T::kWarpsN; }

    S sum_[kBlocksM][kBlocksN][4] = {};
};

}  // namespace adaq::cuda
