// The matrix products of Winograd's points: m[point] = v[point] * u[point], rows of tiles by channels.
//
// A long sum in one float32 accumulator loses digits with every term, and transforming the products back to outputs
// magnifies what they lose. So channels are summed in pieces, each from zero, and the pieces are added up (blocked
// summation: N. J. Higham, "The accuracy of floating point summation", SIAM J. Sci. Comput. 14 (4), 1993):
//     m = ((piece 0 + piece 1) + piece 2) + ...,   piece = fma(v[n], u[n], ... fma(v[1], u[1], v[0] * u[0]))
// The order of a sum depends on the number of channels alone. AVX2 and AVX-512 give the same bits; the baseline has no
// fused multiply-add, and rounds each product.
#pragma once

#include <cstdint>

#include "kernels/cpu/integer/level.h"
#include "kernels/cpu/winograd_panels.h"

namespace adaq::cpu::winograd {

/// c and k are multiples of 16.
struct Products {
    int64_t points, rows, c, k;
    const float* v;   // [points][rows][c]
    int64_t v_point;  // floats from a point to the next, at least rows * c
    const float* u;   // [points], each packed (at_packed)
    int64_t u_point;
    float* m;  // [points][rows][k]
    int64_t m_point;
};

/// Channels that are summed in a row. 16 instead of 32 take a twentieth more time, and gain little where there are many
/// pieces to be added up.
constexpr int64_t terms_in_a_row(int64_t c) { return c <= 128 ? 16 : 32; }

/// Of the best level that there is, or of another.
MultiplyPanel panel_kernel(integer::Level level = integer::best_level());

/// On all threads.
void multiply(const Products& products, MultiplyPanel kernel);

}  // namespace adaq::cpu::winograd
