// Products in float32 on the ordinary cores. A warp's lanes stand 8 (rows) x 4 (columns); a thread sums kRows x
// kColumns products and reads 16 bytes of shared memory at a time: 256 multiply-adds for 16 reads at 8 x 8. Each sum
// takes its products in the order of k, from 0, by fused multiply-adds.
#pragma once

#include "kernels/cuda/convolution/tile.h"
#include "kernels/cuda/epilogue.h"

namespace adaq::cuda {

template <typename T, typename A, typename B>
class FmaMultiplier {
  public:
    using Sum = float;
    static constexpr bool kCompiled = true;  // for every architecture
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
        store_each(to, pitch, [this](int i, int j) { return sum_[i][j]; });
    }
    __device__ static int warp_m() { return static_cast<int>(threadIdx.x) / kWarp / T::kWarpsN; }

  protected:
    static constexpr int kLanesM = 8, kLanesN = 4;
    static constexpr int kRows = T::kWarpM / kLanesM, kColumns = T::kWarpN / kLanesN;

    template <typename SumAt>
    __device__ static void store_each(float* to, int pitch, const SumAt& sum_at) {
#pragma unroll
        for (int i = 0; i < kRows; ++i) {
#pragma unroll
            for (int j = 0; j < kColumns; ++j) {
                to[place<A, kLanesM>(lane_m(), i) * pitch + warp_n() * T::kWarpN + place<B, kLanesN>(lane_n(), j)] =
                    sum_at(i, j);
            }
        }
    }

    float sum_[kRows][kColumns] = {};

  private:
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
};

/// The same of integers of at most 8 bits and a sign, whose sums may leave what float32 holds exactly: those of 256
/// products never do; they are carried on in double, and the whole is rounded to float32 once.
template <typename T, typename A, typename B>
class ExactMultiplier : public FmaMultiplier<T, A, B> {
    using Base = FmaMultiplier<T, A, B>;

  public:
    __device__ void multiply(const float* a, const float* b) {
        Base::multiply(a, b);
        if (++stages_ % kExactStages == 0) carry();
    }
    __device__ void store(float* to, int pitch) const {
        Base::store_each(to, pitch, [this](int i, int j) {
            return static_cast<float>(whole_[i][j] + static_cast<double>(Base::sum_[i][j]));
        });
    }

  private:
    static constexpr int kExactStages = 256 / T::K;

    __device__ void carry() {
#pragma unroll
        for (int i = 0; i < Base::kRows; ++i) {
#pragma unroll
            for (int j = 0; j < Base::kColumns; ++j) {
                whole_[i][j] += static_cast<double>(Base::sum_[i][j]);
                Base::sum_[i][j] = 0.0f;
            }
        }
    }

    double whole_[Base::kRows][Base::kColumns] = {};
    int stages_ = 0;
};

}  // namespace adaq::cuda
