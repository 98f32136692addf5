// See reciprocal.h.
#include "kernels/cpu/integer/reciprocal.h"

#include <cmath>

namespace adaq::cpu::integer {

Reciprocal reciprocal_of(float scale) {
    const float nearest = 1.0f / scale;
    return {nearest, static_cast<float>(1.0 / double{scale} - double{nearest})};
}

/// Either quotient is less than two units in its last place from the exact one, so that their codes can differ only for
/// the nearest few floats to where codes change.
bool products_have_codes(const Quantiser& q) {
    constexpr float kLargest = 0x1p100f;
    constexpr int kFloats = 4;  // on either side
    if (!(q.scale >= 1.0f / kLargest && q.scale <= kLargest)) return false;
    const Reciprocal by = reciprocal_of(q.scale);
    for (int code = q.qmin - q.zero_point; code < q.qmax - q.zero_point; ++code) {
        float v = static_cast<float>((code + 0.5) * double{q.scale});
        for (int i = 0; i < kFloats; ++i) v = std::nextafter(v, -HUGE_VALF);
        for (int i = -kFloats; i <= kFloats; ++i, v = std::nextafter(v, HUGE_VALF))
            if (std::rint(v / q.scale) != std::rint(std::fma(v, by.nearest, v * by.rest))) return false;
    }
    return true;
}

}  // namespace adaq::cpu::integer
