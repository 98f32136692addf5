// What follows a layer's sums, in float32, IEEE, without contraction, and in this order:
//     v = float(sum) * scale[k];  v = v + shift[k];
//     v = (v + summand) * factor + residual.scale * residual
//     v = clamp(v, lowest, highest)
// and then y = v, or the code of the nearest number of y's grid. factor is 1, or residual.scale is: only one of them is
// multiplied by. Every kernel gives the bits of the plain functions below.
#pragma once

#include <cmath>
#include <cstdint>
#include <limits>
#include <optional>

#include "engine/grid.h"

namespace adaq::cpu::integer {

/// y's grid. A code is q - qmin, so that its zero is zero_point - qmin, and is in [0, 255].
struct Quantiser {
    float scale = 1.0f;
    int zero_point = 0, qmin = 0, qmax = 255;
    float factor = 0.0f;    // v is multiplied by it; 0: divided by the scale
    float shift = 0.0f;     // added to that product by a fused multiply-add; it counts codes then
    bool products = false;  // v * reciprocal + v * rest, rounded twice, has the same codes as v / scale (reciprocal.h)
};

/// A tensor of floats, or of codes that stand for (code - zero); scale is the factor in the formula. No tensor where
/// both pointers are null.
struct Operand {
    const float* values = nullptr;
    const uint8_t* codes = nullptr;
    int zero = 0;
    float scale = 1.0f;

    bool present() const { return values != nullptr || codes != nullptr; }
    float at(int64_t i) const {
        return values != nullptr ? values[i] : static_cast<float>(static_cast<int>(codes[i]) - zero);
    }
};

struct Epilogue {
    const float* scale = nullptr;  // [K]; null: no factor
    const float* shift = nullptr;  // [K]; null: no summand
    Operand residual = {};         // of y's shape
    float summand = -0.0f;         // to what residual is added, and
    float factor = 1.0f;           // of it
    float lowest = -std::numeric_limits<float>::infinity(), highest = std::numeric_limits<float>::infinity();
    std::optional<Quantiser> quantiser = std::nullopt;
};

/// Where y goes: codes where there is a quantiser, values where there is none.
struct Result {
    float* values = nullptr;
    uint8_t* codes = nullptr;
};

inline float clamped(float v, float lowest, float highest) {
    v = v < lowest ? lowest : v;
    return v > highest ? highest : v;
}

/// v must be a number.
inline uint8_t code_of(float v, const Quantiser& q) {
    const bool divides = q.factor == 0.0f;
    const float centred =
        quantise_centred(divides ? v : std::fma(v, q.factor, q.shift), divides ? q.scale : 1.0f,
                         static_cast<float>(q.zero_point), static_cast<float>(q.qmin), static_cast<float>(q.qmax));
    return static_cast<uint8_t>(static_cast<int>(centred) + q.zero_point - q.qmin);
}

/// The clamp, then the quantiser where there is one: element i of y.
inline void write_result(float v, const Epilogue& e, const Result& y, int64_t i) {
    v = clamped(v, e.lowest, e.highest);
    if (e.quantiser) {
        y.codes[i] = code_of(v, *e.quantiser);
    } else {
        y.values[i] = v;
    }
}

/// Element i of y, of channel k.
inline void finish_plainly(float sum, const Epilogue& e, int64_t k, const Result& y, int64_t i) {
    float v = sum;
    if (e.scale != nullptr) v = v * e.scale[k];
    if (e.shift != nullptr) v = v + e.shift[k];
    if (e.residual.present()) v = (v + e.summand) * e.factor + e.residual.scale * e.residual.at(i);
    write_result(v, e, y, i);
}

}  // namespace adaq::cpu::integer
