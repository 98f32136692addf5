// Products on tensor cores: mma.m16n8k8 in tf32 or mma.m16n8k16 in bf16, sums in float32. Fragments of bf16 in shared
// memory come by ldmatrix, transposed where rows run fastest. Those of float32 come by ldmatrix (8x4 of 32 bits) where
// the summed index runs fastest, else by plain reads without bank conflicts, and are rounded to nearest in registers;
// bf16 then takes the 16 values of k in the order 0, 4, 8, 12, 1, 5 ... for both operands, which is what two reads of
// 8x4 give: the sum is over all of them anyway.
#pragma once

#include "engine/program/device.h"

#include "kernels/cuda/convolution/warp_sums.h"
#include "kernels/cuda/ptx.h"

namespace adaq::cuda {

template <Math math, typename T, typename A, typename B>
class TensorMultiplier : public WarpSums<T, float> {
  public:
    static constexpr bool kCompiled = kTensorCores;
    using Element = typename A::Element;
    static_assert(std::is_same_v<Element, typename B::Element>, "operands are stored alike");

    /// Adds the products of one stage.
    __device__ void multiply(const Element* a, const Element* b) {
        this->template add_products<math == Math::tf32 ? 8 : 16, TensorMultiplier>(a, b);
    }

  private:
    using Sums = WarpSums<T, float>;
    friend Sums;
    using Sums::group, Sums::lane, Sums::member;

    __device__ static void multiply_block(float (&d)[4], const uint32_t (&a)[4], const uint32_t (&b)[2]) {
        if constexpr (math == Math::tf32) {
            mma_tf32(d, a, b);
        } else {
            mma_bf16(d, a, b);
        }
    }
    /// 16 rows x 8 values of k as float bits: (group, member), (group + 8, member), (group, member + 4), (group + 8,
    /// member + 4).
    __device__ static void load_bits_a(uint32_t (&bits)[4], const float* a, int row, int k) {
        if constexpr (A::kByRow) {
            const int matrix = lane() / 8;
            ldmatrix_x4(bits, a + A::index(row + matrix % 2 * 8 + lane() % 8, k + matrix / 2 * 4));
        } else {
#pragma unroll
            for (int i = 0; i < 4; ++i)
                bits[i] = __float_as_uint(a[A::index(row + i % 2 * 8 + group(), k + i / 2 * 4 + member())]);
        }
    }
    /// 16 columns x 8 values of k: (member, group), (member + 4, group), (member, group + 8), (member + 4, group + 8).
    __device__ static void load_bits_b(uint32_t (&bits)[4], const float* b, int column, int k) {
        if constexpr (B::kByRow) {
            const int matrix = lane() / 8;
            ldmatrix_x4(bits, b + B::index(column + matrix / 2 * 8 + lane() % 8, k + matrix % 2 * 4));
        } else {
#pragma unroll
            for (int i = 0; i < 4; ++i)
                bits[i] = __float_as_uint(b[B::index(column + i / 2 * 8 + group(), k + i % 2 * 4 + member())]);
        }
    }
    /// Rows 0 and 8 and values of k 0 and 8 begin the four matrices of 8x8, in the order that mma_bf16 has them.
    __device__ static void load_a(uint32_t (&f)[4], const bf16* a, int row, int k) {
        const int matrix = lane() / 8, line = lane() % 8, left = matrix % 2 * 8, right = matrix / 2 * 8;
        if constexpr (A::kByRow) {
            ldmatrix_x4(f, a + A::index(row + left + line, k + right));
        } else {
            ldmatrix_x4_transposed(f, a + A::index(row + left, k + right + line));
        }
    }
    __device__ static void load_b(uint32_t (&f)[2], uint32_t (&next)[2], const bf16* b, int column, int k) {
        const int matrix = lane() / 8, line = lane() % 8, left = matrix / 2 * 8, right = matrix % 2 * 8;
        uint32_t bits[4];
        if constexpr (B::kByRow) {
            ldmatrix_x4(bits, b + B::index(column + left + line, k + right));
        } else {
            ldmatrix_x4_transposed(bits, b + B::index(column + left, k + right + line));
        }
        f[0] = bits[0], f[1] = bits[1], next[0] = bits[2], next[1] = bits[3];
    }
    __device__ static void load_a(uint32_t (&f)[4], const float* a, int row, int k) {
        load_bits_a(f, a, row, k);
        if constexpr (math == Math::tf32) {
            round_all(f);
        } else {
            uint32_t upper[4];
            load_bits_a(upper, a, row, k + 8);
            f[0] = pack(f[0], f[2]);
            f[1] = pack(f[1], f[3]);
            f[2] = pack(upper[0], upper[2]);
            f[3] = pack(upper[1], upper[3]);
        }
    }
    /// Of two blocks of 8 columns.
    __device__ static void load_b(uint32_t (&f)[2], uint32_t (&next)[2], const float* b, int column, int k) {
        uint32_t bits[4];
        load_bits_b(bits, b, column, k);
        if constexpr (math == Math::tf32) {
            round_all(bits);
            f[0] = bits[0], f[1] = bits[1], next[0] = bits[2], next[1] = bits[3];
        } else {
            uint32_t upper[4];
            load_bits_b(upper, b, column, k + 8);
            f[0] = pack(bits[0], bits[1]), f[1] = pack(upper[0], upper[1]);
            next[0] = pack(bits[2], bits[3]), next[1] = pack(upper[2], upper[3]);
        }
    }
    __device__ static void round_all(uint32_t (&bits)[4]) {
#pragma unroll
        for (int i = 0; i < 4; ++i) bits[i] = to_tf32(__uint_as_float(bits[i]));
    }
    __device__ static uint32_t pack(uint32_t low, uint32_t high) {
        return pack_bf16(__uint_as_float(low), __uint_as_float(high));
    }
};

}  // namespace adaq::cuda
