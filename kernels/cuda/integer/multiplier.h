// Products of codes (u8) and weights (i8) on tensor cores, sums in int32 (modulo 2^32: what is exact at the end may
// leave 32 bits on the way). Both operands have their summed index fastest: fragments come by ldmatrix, 16 values of k
// a row of 16 bytes. sm_80 and newer multiply 16 x 8 x 32 at a time, sm_75 8 x 8 x 16.
#pragma once

#include "kernels/cuda/convolution/warp_sums.h"
#include "kernels/cuda/ptx.h"

namespace adaq::cuda {

template <typename T, typename A, typename B, bool kTuring>
class CodesMultiplier : public WarpSums<T, int32_t> {
  public:
    static constexpr bool kCompiled = kTuring ? kTuringCores : kTensorCores;
    static_assert(A::kByRow && B::kByRow);

    /// Adds the products of one stage.
    __device__ void multiply(const uint8_t* a, const uint8_t* b) {
        this->template add_products<32, CodesMultiplier>(a, b);
    }

  private:
    using Sums = WarpSums<T, int32_t>;
    friend Sums;
    using Sums::lane;

    /// 16 rows x 8 columns x 32 values of k. On sm_75 by quarters: a[0] and a[1] are rows 0 and 8 of the first 16
    /// values, a[2] and a[3] of the others, as b[0] and b[1] are.
    __device__ static void multiply_block(int32_t (&d)[4], const uint32_t (&a)[4], const uint32_t (&b)[2]) {
        if constexpr (kTuring) {
#pragma unroll
            for (int i = 0; i < 2; ++i) {
                mma_codes_8x8(d[2 * i], d[2 * i + 1], a[i], b[0]);
                mma_codes_8x8(d[2 * i], d[2 * i + 1], a[i + 2], b[1]);
            }
        } else {
            mma_codes(d, a, b);
        }
    }
    __device__ static void load_a(uint32_t (&f)[4], const uint8_t* a, int row, int k) {
        const int matrix = lane() / 8, line = lane() % 8;
        ldmatrix_x4(f, a + A::index(row + matrix % 2 * 8 + line, k + matrix / 2 * 16));
    }
    /// Of two blocks of 8 columns.
    __device__ static void load_b(uint32_t (&f)[2], uint32_t (&next)[2], const uint8_t* b, int column, int k) {
        const int matrix = lane() / 8, line = lane() % 8;
        uint32_t bits[4];
        ldmatrix_x4(bits, b + B::index(column + matrix / 2 * 8 + line, k + matrix % 2 * 16));
        f[0] = bits[0], f[1] = bits[1], next[0] = bits[2], next[1] = bits[3];
    }
};

}  // namespace adaq::cuda
