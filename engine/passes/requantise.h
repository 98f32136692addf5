// From integers to the codes of the next value as other runtimes have it (docs/arithmetic.md section 12): nothing is
// divided. What is multiplied by is computed once, in float32. onnxruntime's factors hold the scales of both sides, and
// what they make counts steps of the output, or codes. OpenVINO's sums become values first.
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

/// What the codes of a tensor, bytes, count.
struct CodesOf {
    float scale;
    int zero;  // the code of zero
};

/// What a sum that has become a value is added to before it is quantised.
enum class Added { nothing, values, codes };

/// OpenVINO's, from values to codes of the output; a value to which codes are added is one in steps of theirs.
struct OpenVinoFactors {
    float summand = -0.0f;     // of values, before they become steps of what is added: what its zero point stands for
    float to_residual = 1.0f;  // from values to steps of what is added; 1 where that is no codes
    float to_output;           // from there to steps of the output
    float shift = 0.0f;        // added to those where the output has a zero point: they count codes then

    /// residual: of codes that are added. fills_bytes: codes are all that a byte holds, so that no operation of its own
    /// rounds them.
    OpenVinoFactors(CodesOf output, Added added, CodesOf residual, bool fills_bytes) {
        constexpr float kHighestCode = 255.0f;  // of its bytes, whatever the width of the codes
        float low = static_cast<float>(-output.zero) * output.scale,
              high = (kHighestCode - static_cast<float>(output.zero)) * output.scale;
        if (added == Added::codes) {
            to_residual = 1.0f / residual.scale;
            low = low / residual.scale;
            high = high / residual.scale;
            if (residual.zero != 0) summand = static_cast<float>(-residual.zero) * residual.scale;
        }
        const float range = high - low;
        to_output = kHighestCode / range;
        if (output.zero != 0)
            shift = -low * kHighestCode / range;
        else if (fills_bytes && added != Added::values)
            to_output = 1.0f / (1.0f / to_output);  // given as the scale of bytes
    }
};

}  // namespace adaq
