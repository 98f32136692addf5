// The float32 arithmetic behind integer sums: the same operations in the same order as simulation has, on every device
// (no contraction, round half to even, a true division).
#pragma once

#include <cmath>
#include <cstdint>

#include "engine/activation.h"
#include "engine/grid.h"

namespace adaq {

/// The quantiser of a value whose codes are kept as u8: code = q - qmin.
struct CodeQuantiser {
    /// In what its operand counts: values; multiples of the scale, by which it needs no division; or codes, such
    /// multiples to which the code of zero was added. The last two are onnxruntime's (engine/passes/requantise.h).
    enum class Counts : uint8_t { values, steps, codes };

    float scale = 1.0f, zero_point = 0.0f;
    Grid grid;
    Counts counts = Counts::values;
    float factor = 0.0f;  // what an operand is multiplied by; 0: it is divided (OpenVINO multiplies)
    float shift = 0.0f;   // added to that product by a fused multiply-add; it counts codes then

    /// The code of the value 0.
    ADAQ_HOST_DEVICE int zero() const { return static_cast<int>(zero_point - grid.qmin()); }
    ADAQ_HOST_DEVICE int levels() const { return static_cast<int>(grid.qmax() - grid.qmin()) + 1; }
    /// What an operand is divided by.
    ADAQ_HOST_DEVICE float divisor() const { return counts == Counts::values && factor == 0.0f ? scale : 1.0f; }
    /// What is added to the rounded quotient: zero_point, or what makes a number of codes one of the grid.
    ADAQ_HOST_DEVICE float offset() const { return counts == Counts::codes ? grid.qmin() : zero_point; }
    ADAQ_HOST_DEVICE uint8_t operator()(float v) const {
        if (factor != 0.0f) v = std::fma(v, factor, shift);
        const float centred = quantise_centred(v, divisor(), offset(), grid.qmin(), grid.qmax());
        return static_cast<uint8_t>(static_cast<int>(centred) + static_cast<int>(offset() - grid.qmin()));
    }
    /// A bound of values, as the operand counts.
    float bound(float value) const {
        if (counts == Counts::values) return value;
        return value / scale + (counts == Counts::codes ? static_cast<float>(zero()) : 0.0f);
    }
};

/// What a sum becomes before its quantiser. residual: a value, or a code less the code of zero. summand, factor: of
/// what the sum has become when the residual is added.
struct SumToValue {
    float scale = 1.0f, shift = 0.0f, summand = -0.0f, factor = 1.0f;
    float residual = 0.0f, residual_scale = 1.0f;
    bool has_residual = false;
    Activation activation = {};

    float operator()(float sum) const {
        float v = sum * scale;
        v = v + shift;
        if (has_residual) v = (v + summand) * factor + residual_scale * residual;
        return clamped(v);
    }
    float clamped(float v) const {
        v = v < activation.lowest() ? activation.lowest() : v;
        return v > activation.highest() ? activation.highest() : v;
    }
};

}  // namespace adaq
