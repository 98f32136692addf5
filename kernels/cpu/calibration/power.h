// |e|^p in plain arithmetic that a compiler turns into vector instructions: e = 2^k m with m in [sqrt 1/2, sqrt 2), a
// polynomial for log2 m, another for 2^fraction, and the integer part of p log2 e put into the exponent of a double, so
// that nothing overflows or underflows that float64 can hold. Relative error below 4e-7 (tests compare with std::pow);
// 0 and denormal errors give 0.
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>

namespace adaq::cpu {

/// The exponent p, split so that k * high is exact for every exponent k of a float.
struct Power {
    explicit Power(double p)
        : exact(p),
          value(static_cast<float>(p)),
          high(std::bit_cast<float>(std::bit_cast<uint32_t>(value) & 0xffff0000u)),
          low(static_cast<float>(p - static_cast<double>(high))) {}

    double exact;
    float value, high, low;
};

/// e^p of a float e >= 0.
inline double power(float e, Power p) {
    constexpr int32_t kSqrtHalf = 0x3f3504f3;  // bits of sqrt(1/2)
    const auto bits = std::bit_cast<int32_t>(e);
    const int32_t exponent = (bits - kSqrtHalf) >> 23;
    const float f = std::bit_cast<float>(bits - (exponent << 23)) - 1.0f;
    const auto k = static_cast<float>(exponent);

    // Minimax polynomials (relative error 3e-8 and 2e-9) on [sqrt 1/2 - 1, sqrt 2 - 1] and [-1/2, 1/2].
    float q = 0.12583701f;
    q = q * f - 0.20726974f;
    q = q * f + 0.21571560f;
    q = q * f - 0.23894483f;
    q = q * f + 0.28791624f;
    q = q * f - 0.36070368f;
    q = q * f + 0.48091063f;
    q = q * f - 0.72134733f;
    q = q * f + 1.44269502f;
    const float log2_m = q * f;

    const float whole = std::rint(k * p.high + (k * p.low + p.value * log2_m));
    const float r = (k * p.high - whole) + (k * p.low + p.value * log2_m);
    float y = 0.00015345696f;
    y = y * r + 0.0013400064f;
    y = y * r + 0.0096184900f;
    y = y * r + 0.055503283f;
    y = y * r + 0.24022646f;
    y = y * r + 0.69314718f;
    y = y * r + 1.0f;

    // A mask rather than a condition, of which the compiler would make a branch and no vector loop.
    constexpr int32_t kSmallestNormal = 0x00800000;
    const int32_t keep = ~((bits - kSmallestNormal) >> 31);
    const int32_t y_bits = std::bit_cast<int32_t>(y) & keep;
    int32_t biased = static_cast<int32_t>(whole) + 1023;
    biased = biased < 1 ? 1 : biased;
    biased = biased > 2046 ? 2046 : biased;
    return static_cast<double>(std::bit_cast<float>(y_bits)) *
           std::bit_cast<double>(static_cast<int64_t>(biased) << 52);
}

}  // namespace adaq::cpu
