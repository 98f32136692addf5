// From integers to the codes of the next value as other runtimes have it (docs/arithmetic.md section 12): nothing is
// divided. What is multiplied by is computed once, in float32. onnxruntime's factors hold the scales of both sides, and
// what they make counts steps of the output, or codes. OpenVINO's sums become values first.
#pragma once

#include <cmath>
#include <cstdint>
#include <optional>

namespace adaq {

/// Of a layer's sums. unit: input scale times weight scale, rounded to float32 (QuantisedBias::unit).
inline float requantising_factor(float unit, float output_scale) { return unit / output_scale; }

/// Of sums over a map of so many positions.
inline float requantising_factor(float input_scale, int64_t positions, float output_scale) {
    return input_scale / (output_scale * static_cast<float>(positions));
}

/// Of an addition of codes, zero points and all: codes of y are fma(a, a's, fma(b, b's, offset)), as onnxruntime adds
/// wherever there is AVX2.
struct AddingFactors {
    float a, b, offset;

    AddingFactors(float a_scale, int a_zero, float b_scale, int b_zero, float output_scale, int output_zero)
        : a(a_scale / output_scale),
          b(b_scale / output_scale),
          offset(static_cast<float>(output_zero) -
                 std::fma(a, static_cast<float>(a_zero), b * static_cast<float>(b_zero))) {}
};

/// OpenVINO's, from values to steps of the output; a value to which codes are added is one in steps of theirs.
struct OpenVinoFactors {
    float to_residual = 1.0f;  // from values to steps of what is added; 1 where that is no codes
    float to_output;           // from there to steps of the output

    /// residual_scale: of codes that are added. saturates: codes are all that a byte holds, and bytes in memory, so
    /// that no operation of its own rounds them.
    OpenVinoFactors(float output_scale, std::optional<float> residual_scale, bool saturates) {
        constexpr float kHighestCode = 255.0f;  // of its bytes, whatever the width of the codes
        float highest = kHighestCode * output_scale;
        if (residual_scale) {
            to_residual = 1.0f / *residual_scale;
            highest = highest / *residual_scale;
        }
        to_output = kHighestCode / highest;
        if (saturates) to_output = 1.0f / (1.0f / to_output);  // given as the scale of bytes
    }
};

}  // namespace adaq
