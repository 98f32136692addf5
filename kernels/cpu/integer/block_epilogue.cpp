// See block_epilogue.h.
#include "kernels/cpu/integer/block_epilogue.h"

#include <cmath>

#include "kernels/cpu/integer/reciprocal.h"

namespace adaq::cpu::integer {
namespace {

/// Where v * (1 / s) is so near to a tie, v / s may be on the other side. Both are within 3 * 2^-24 * 256 of the
/// quotient wherever it is not clamped.
constexpr float kNearTie = 0.5f - 1.0f / 16384, kNoTie = 1.0f;

/// Whether v * (1 / s) is as near to v / s as that.
bool has_reciprocal(const Finish& f) {
    constexpr float kMostCode = 256.0f;
    return std::isnormal(f.scale) && std::isnormal(1.0f / f.scale) && f.low >= -kMostCode && f.high <= kMostCode;
}

float largest(const float* values, int64_t count) {
    float most = 0.0f;
    for (int64_t i = 0; i < count; ++i) most = std::max(most, std::fabs(values[i]));
    return most;
}

/// Whether a product, or two, give codes, and no quotient of a sum of 32 bits reaches 2^30.
bool is_bounded(const Finish& f, const Epilogue& e, int64_t channels) {
    constexpr float kMostScale = 0.25f, kMostTerm = 65536.0f, kLargestCode = 255.0f;
    const bool products = e.quantiser->factor != 0.0f || e.quantiser->products;
    if (!products || f.reciprocal == 0.0f || e.residual.values != nullptr) return false;
    if (e.residual.present() && f.scales && e.quantiser->factor == 0.0f) return false;
    const float size = std::fabs(e.factor * f.reciprocal),
                scale = (e.scale != nullptr ? largest(e.scale, channels) : 1.0f) * size,
                shift = (e.shift != nullptr ? largest(e.shift, channels) : 0.0f) * size,
                term = std::fabs(e.residual.scale * f.reciprocal) * kLargestCode, summand = std::fabs(e.summand) * size;
    return scale <= kMostScale && shift <= kMostTerm && std::fabs(f.shift) <= kMostTerm && summand <= kMostTerm &&
           (e.residual.codes == nullptr || term <= kMostTerm);
}

}  // namespace

Finish finish_of(const Epilogue& e, int64_t channels) {
    Finish f{};
    f.lowest = e.lowest;
    f.highest = e.highest;
    f.quantises = e.quantiser.has_value();
    f.scale = 1.0f;
    f.near_tie = kNearTie;
    f.summand = e.summand;
    f.factor = e.factor;
    f.scales = e.factor != 1.0f || e.summand != 0.0f;
    if (!e.quantiser) return f;
    f.scale = e.quantiser->scale;
    f.shift = e.quantiser->shift;
    const float factor = e.quantiser->factor;
    // The clamp before the quantiser is one of codes, too: quantising keeps the order.
    const auto low = static_cast<float>(e.quantiser->qmin - e.quantiser->zero_point),
               high = static_cast<float>(e.quantiser->qmax - e.quantiser->zero_point);
    const auto steps = [&](float bound) { return factor != 0.0f ? std::fma(bound, factor, f.shift) : bound / f.scale; };
    f.low = std::clamp(std::rint(steps(e.lowest)), low, high);
    f.high = std::clamp(std::rint(steps(e.highest)), low, high);
    f.offset = e.quantiser->zero_point - e.quantiser->qmin;
    if (factor != 0.0f) {
        f.reciprocal = factor;
        f.multiplies = f.shift == 0.0f;
        f.near_tie = kNoTie;
    } else if (has_reciprocal(f)) {
        const Reciprocal by = reciprocal_of(f.scale);
        f.reciprocal = by.nearest;
        f.rest = by.rest;
    }
    f.bounded = is_bounded(f, e, channels);
    return f;
}

OperandRow row_of(const Operand& operand, int64_t first) {
    return {operand.values != nullptr ? operand.values + first : nullptr,
            operand.codes != nullptr ? operand.codes + first : nullptr, static_cast<float>(operand.zero),
            operand.scale};
}

}  // namespace adaq::cpu::integer
