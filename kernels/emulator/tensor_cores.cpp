#include "kernels/emulator/tensor_cores.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>

namespace adaq::emulator {
namespace {

template <int Depth>
void add_rounded(const float (&a)[kSumRows][Depth], const float (&b)[Depth][kSumColumns], SumTile& sums) {
    for (int m = 0; m < kSumRows; ++m) {
        for (int k = 0; k < Depth; ++k) {
            for (int n = 0; n < kSumColumns; ++n) sums[m][n] += a[m][k] * b[k][n];
        }
    }
}

/// Of a finite value's significand, which is below 2.
int exponent_of(float value) {
    const auto field = static_cast<int>(std::bit_cast<uint32_t>(value) >> 23 & 0xFFu);
    return std::max(field, 1) - 127;
}

double power_of_two(int exponent) { return std::bit_cast<double>(static_cast<uint64_t>(exponent + 1023) << 52); }

/// To a float, towards zero.
float cut_off(double value) {
    const auto nearest = static_cast<float>(value);
    const double away = std::fabs(static_cast<double>(nearest)) - std::fabs(value);
    if (!(away > 0.0) || std::fabs(value) >= 0x1p128) return nearest;
    return std::bit_cast<float>(std::bit_cast<uint32_t>(nearest) - 1);
}

/// One row of sums += a * b for `Count` values of k at once, all finite.
template <int Count>
void add_block(int places, const float* a, const float (*b)[kSumColumns], float* sums) {
    int exponents[Count][kSumColumns], top[kSumColumns];
    for (int k = 0; k < Count; ++k) {
        for (int n = 0; n < kSumColumns; ++n) exponents[k][n] = exponent_of(b[k][n]);
    }
    for (int n = 0; n < kSumColumns; ++n) top[n] = exponent_of(sums[n]);
    for (int k = 0; k < Count; ++k) {
        const int of_a = exponent_of(a[k]);
        for (int n = 0; n < kSumColumns; ++n) top[n] = std::max(top[n], of_a + exponents[k][n]);
    }
    // In units of the last place that is kept: whole numbers below 2^(places + 2).
    double scale[kSumColumns], total[kSumColumns];
    for (int n = 0; n < kSumColumns; ++n) {
        scale[n] = power_of_two(places - top[n]);
        total[n] = static_cast<double>(static_cast<int32_t>(static_cast<double>(sums[n]) * scale[n]));
    }
    for (int k = 0; k < Count; ++k) {
        const auto factor = static_cast<double>(a[k]);
        for (int n = 0; n < kSumColumns; ++n) {
            const double product = factor * static_cast<double>(b[k][n]);  // without error
            total[n] += static_cast<double>(static_cast<int32_t>(product * scale[n]));
        }
    }
    for (int n = 0; n < kSumColumns; ++n) sums[n] = cut_off(total[n] * power_of_two(top[n] - places));
}

template <int Depth>
void add_row(ProductSums how, const float (&a)[Depth], const float (&b)[Depth][kSumColumns], float* sums) {
    if (how == ProductSums::hopper) return add_block<Depth>(25, a, b, sums);
    add_block<Depth / 2>(24, a, b, sums);
    float infinite[kSumColumns];  // what was too large for a float stays so
    for (int n = 0; n < kSumColumns; ++n) {
        infinite[n] = std::isfinite(sums[n]) ? 0.0f : sums[n];
        if (infinite[n] != 0.0f) sums[n] = 0.0f;
    }
    add_block<Depth / 2>(24, a + Depth / 2, b + Depth / 2, sums);
    for (int n = 0; n < kSumColumns; ++n) sums[n] += infinite[n];
}

bool all_finite(const float* values, int count) {
    return std::all_of(values, values + count, [](float v) { return std::isfinite(v); });
}

/// An infinity or a NaN makes a sum what it is; the other sums are as if it were not there.
template <int Depth>
void add_with_infinities(ProductSums how, const float (&a)[kSumRows][Depth], const float (&b)[Depth][kSumColumns],
                         SumTile& sums) {
    for (int m = 0; m < kSumRows; ++m) {
        for (int n = 0; n < kSumColumns; ++n) {
            float column[Depth][kSumColumns] = {}, row[kSumColumns] = {sums[m][n]}, plain = sums[m][n];
            for (int k = 0; k < Depth; ++k) {
                column[k][0] = b[k][n];
                plain += a[m][k] * b[k][n];
            }
            const bool finite =
                all_finite(a[m], Depth) && all_finite(&column[0][0], Depth * kSumColumns) && std::isfinite(sums[m][n]);
            if (finite) add_row(how, a[m], column, row);
            sums[m][n] = finite ? row[0] : plain;
        }
    }
}

}  // namespace

template <int Depth>
void add_products(ProductSums how, const float (&a)[kSumRows][Depth], const float (&b)[Depth][kSumColumns],
                  SumTile& sums) {
    if (how == ProductSums::rounded) return add_rounded(a, b, sums);
    const bool finite = all_finite(&a[0][0], kSumRows * Depth) && all_finite(&b[0][0], Depth * kSumColumns) &&
                        all_finite(&sums[0][0], kSumRows * kSumColumns);
    if (!finite) return add_with_infinities(how, a, b, sums);
    for (int m = 0; m < kSumRows; ++m) add_row(how, a[m], b, sums[m]);
}

template void add_products(ProductSums, const float (&)[kSumRows][8], const float (&)[8][kSumColumns], SumTile&);
template void add_products(ProductSums, const float (&)[kSumRows][16], const float (&)[16][kSumColumns], SumTile&);

}  // namespace adaq::emulator
