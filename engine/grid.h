// The one arithmetic of the uniform affine quantiser (docs/arithmetic.md section 1). Every device includes this header,
// so that a tie rounds the same way everywhere: float32, IEEE division, round half to even, and no contraction (the
// build sets -ffp-contract=off).
#pragma once

#include <algorithm>
#include <cmath>

#include "adaq/grid.h"

namespace adaq {

/// s = (max - min) / (qmax - qmin), z = qmin - round(min / s), after widening the range to contain 0.
/// A range of width 0 gives s = 1, z = 0 (docs/arithmetic.md section 1).
ADAQ_HOST_DEVICE inline ScaleZero scale_zero_of_range(float lo, float hi, Grid grid) {
    lo = lo < 0.0f ? lo : 0.0f;
    hi = hi > 0.0f ? hi : 0.0f;
    const float scale = (hi - lo) / (grid.qmax() - grid.qmin());
    if (!(scale > 0.0f)) return {};
    return {scale, grid.qmin() - std::rint(lo / scale)};
}

/// q - z of the nearest integer q: what an integer engine multiplies. In [qmin - z, qmax - z]. Real is float but in the
/// reference device's training.
template <typename Real>
ADAQ_HOST_DEVICE inline Real quantise_centred(Real x, Real scale, Real zero_point, Real qmin, Real qmax) {
    Real q = std::rint(x / scale) + zero_point;
    q = q < qmin ? qmin : q;
    q = q > qmax ? qmax : q;
    return q - zero_point;
}

/// x-hat = (clamp(round(x / s) + z, qmin, qmax) - z) * s
ADAQ_HOST_DEVICE inline float fake_quantise(float x, float scale, float zero_point, float qmin, float qmax) {
    return quantise_centred(x, scale, zero_point, qmin, qmax) * scale;
}

}  // namespace adaq
