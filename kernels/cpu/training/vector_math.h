// tanh and powers in float32 that the compiler vectorises: no branches, no calls. Relative error below 3e-7 (tanh) and
// below 1.2e-7 * (3 + |exponent * log2 x|) (power).
//
// rounding_arithmetic.cpp, which includes this, is compiled with flags of its own: all functions are static, and call
// only C's and the compiler's. Each file keeps the bodies that its flags make.
#pragma once

#include <math.h>

#include <cstdint>

namespace adaq::cpu {

static inline uint32_t bits_of(float x) { return __builtin_bit_cast(uint32_t, x); }
static inline float float_of(uint32_t bits) { return __builtin_bit_cast(float, bits); }

/// 2^x for x in [-126, 126]; outside the nearest end counts.
static inline float fast_exp2(float x) {
    x = x < -126.0f ? -126.0f : x;
    x = x > 126.0f ? 126.0f : x;
    const float whole = rintf(x), part = x - whole;
    // Minimax polynomial of 2^part on [-0.5, 0.5].
    float p = 1.5403530e-4f;
    p = p * part + 1.3333558e-3f;
    p = p * part + 9.6181291e-3f;
    p = p * part + 5.5504109e-2f;
    p = p * part + 2.4022651e-1f;
    p = p * part + 6.9314718e-1f;
    p = p * part + 1.0f;
    const auto bits = static_cast<int32_t>(whole) + 127;
    return p * float_of(static_cast<uint32_t>(bits) << 23);
}

/// tanh(x / 2) for |x| <= 2.4, where a soft rounding is neither 0 nor 1; outside the nearest end counts. Without the
/// division that the sigmoid 1 / (1 + exp(-x)) = (1 + tanh(x / 2)) / 2 would take.
static inline float fast_tanh_of_half(float x) {
    x = x < -2.4f ? -2.4f : x;
    x = x > 2.4f ? 2.4f : x;
    const float u = x * x;
    // Chebyshev interpolation of tanh(sqrt(u) / 2) / sqrt(u) on [0, 2.4^2].
    float p = -6.3574057e-9f;
    p = p * u + 2.0921978e-7f;
    p = p * u - 3.4359259e-6f;
    p = p * u + 4.0593932e-5f;
    p = p * u - 4.1874583e-4f;
    p = p * u + 4.1646832e-3f;
    p = p * u - 4.1666135e-2f;
    p = p * u + 0.49999997f;
    return x * p;
}

/// log2 of a positive normal number.
static inline float fast_log2(float x) {
    const uint32_t bits = bits_of(x);
    // m in [sqrt(1/2), sqrt(2)): what is subtracted brings the exponent's step there.
    const int32_t exponent = static_cast<int32_t>(bits - 0x3F3504F3u) >> 23;
    const float m = float_of(bits - (static_cast<uint32_t>(exponent) << 23));
    const float t = (m - 1.0f) / (m + 1.0f), u = t * t;  // ln m = 2 atanh t, |t| < 0.172
    float p = 0.2272413f;
    p = p * u + 0.2856710f;
    p = p * u + 0.4000009f;
    p = p * u + 0.6666667f;
    return static_cast<float>(exponent) + 1.44269504f * (2.0f * t + t * u * p);
}

/// x^exponent, x >= 0; exponent > 0 (0^exponent is below 2^-126).
static inline float fast_power(float x, float exponent) {
    x = x < 1.17549435e-38f ? 1.17549435e-38f : x;
    return fast_exp2(exponent * fast_log2(x));
}

}  // namespace adaq::cpu
