// From integers to the codes of the next value as onnxruntime has it: by one factor, which holds the scales of both
// sides (docs/arithmetic.md section 12). It is computed once, in float32, and what it makes counts steps of the output,
// or codes: nothing is divided.
#pragma once

#include <cmath>
#include <cstdint>

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

}  // namespace adaq
