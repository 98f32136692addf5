// What products in an arithmetic are held to: operands rounded as it rounds them, and sums as exact as it makes them.
#pragma once

#include <cmath>
#include <vector>

#include "engine/program/device.h"

namespace adaq::test {

/// Rounded to `bits` bits of fraction, by arithmetic and not by the bits as the kernels do it.
inline float rounded(float value, int bits, double (*nearest)(double)) {
    if (value == 0.0f || !std::isfinite(value)) return value;
    int exponent = 0;
    std::frexp(value, &exponent);
    const double unit = std::ldexp(1.0, exponent - 1 - bits);
    return static_cast<float>(nearest(static_cast<double>(value) / unit) * unit);
}

/// As products in this arithmetic round an operand.
inline float rounded(float value, Math math) {
    switch (math) {
        case Math::tf32:  // ties away from zero
            return rounded(value, 10, [](double v) { return std::round(v); });
        case Math::bf16:  // ties to even
            return rounded(value, 7, [](double v) { return std::nearbyint(v); });
        case Math::f32:
            break;
    }
    return value;
}

inline std::vector<float> rounded(std::vector<float> values, Math math) {
    for (float& v : values) v = rounded(v, math);
    return values;
}

/// How far a sum of so many products may be from the exact one, the operands' rounding apart, as a share of what it
/// adds up in magnitude.
///
/// Tensor cores add up n products at a time and cut off what lies below (kernels/emulator/tensor_cores.h): at the worst
/// n = 4 products and the sum so far at 2^-24 of the largest of them, the result at 2^-23 of itself. With M for the
/// largest that comes up that is 7/4 * 2^-24 M a product, products * 2^-23 M for all of them. Up to 20 products the
/// bound below holds whatever the values are, for M is no more than their magnitude. Above, it takes values whose signs
/// are random, as those of tests are: a sum then strays from zero by a few square roots of its length, and M is that
/// much less than the magnitude. What is wrong by one product is wrong by a share of 1 / products, which is more than
/// the bound for all that tests add up (below 16,000).
/// float32's sums are rounded after each product, by 2^-24 of themselves.
inline double sum_tolerance(Math math, int64_t products) {
    return std::sqrt(static_cast<double>(products)) * (math == Math::f32 ? 0x1p-23 : 0x1p-21);
}

}  // namespace adaq::test
