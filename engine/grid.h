// The integers a quantised value can take, and the one arithmetic of the uniform affine quantiser (docs/arithmetic.md
// section 1). Every device includes this header, so that a tie rounds the same way everywhere: float32, IEEE division,
// round half to even, and no contraction (the build sets -ffp-contract=off).
#pragma once

#include <algorithm>
#include <cmath>

#if defined(__CUDACC__)
#define ADAQ_HOST_DEVICE __host__ __device__
#else
#define ADAQ_HOST_DEVICE
#endif

namespace adaq {

/// Integers [qmin, qmax]: signed n bit, or 0 ... 2^n - 1 where the data has no negative values ("one-sided"). n is 2
/// ... 8.
struct Grid {
    int bits = 8;
    bool one_sided = false;

    ADAQ_HOST_DEVICE float qmin() const { return one_sided ? 0.0f : -static_cast<float>(1 << (bits - 1)); }
    ADAQ_HOST_DEVICE float qmax() const {
        return static_cast<float>(one_sided ? (1 << bits) - 1 : (1 << (bits - 1)) - 1);
    }
    bool operator==(const Grid&) const = default;
};

struct ScaleZero {
    float scale = 1.0f;
    float zero_point = 0.0f;
};

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
