// The arithmetic of AdaRound's rounding variable V (docs/arithmetic.md section 5; arXiv 2004.10568, eq. 21-24), written
// once for every device and in the precision of its argument.
#pragma once

#include <cmath>

#include "engine/grid.h"

namespace adaq {

inline constexpr double kZeta = 1.1, kGamma = -0.1;
/// h(V) reaches 0 and 1 at |V| = ln 11. The gradient passes up to and including there, tested on V itself.
inline constexpr double kRoundingEdge = 2.3978952727983707 + 1e-4;
/// From here on h is 0 or 1 exactly, whatever the rounding of sigma: V that starts on the edge (float32's ln 11 is not
/// quite it) must not fall outside the quantiser's clamp by 1e-9.
inline constexpr double kRoundingSnap = 2.3978952727983707 - 1e-6;

template <typename Real>
struct SoftRounding {
    Real h;           // rectified sigmoid, in [0, 1]
    Real derivative;  // dh/dV
};

/// h = clamp(sigma(V) * (zeta - gamma) + gamma, 0, 1).
template <typename Real>
ADAQ_HOST_DEVICE inline SoftRounding<Real> soft_rounding(Real v) {
    const Real sigmoid = Real(1) / (Real(1) + std::exp(-v));
    Real h = sigmoid * Real(kZeta - kGamma) + Real(kGamma);
    h = v <= Real(-kRoundingSnap) ? Real(0) : h;
    h = v >= Real(kRoundingSnap) ? Real(1) : h;
    const bool passes = std::fabs(v) <= Real(kRoundingEdge);
    return {h, passes ? Real(kZeta - kGamma) * sigmoid * (Real(1) - sigmoid) : Real(0)};
}

/// The regulariser 1 - |2h - 1|^beta of one weight, and its derivative by h.
template <typename Real>
struct RoundingPenalty {
    Real value, by_h;
};

template <typename Real>
ADAQ_HOST_DEVICE inline RoundingPenalty<Real> rounding_penalty(Real h, Real beta) {
    const Real centred = Real(2) * h - Real(1), size = std::fabs(centred);
    if (size == Real(0)) return {Real(1), Real(0)};  // what is not a number goes on
    const Real power = std::pow(size, beta - Real(1));
    return {Real(1) - power * size, (centred > Real(0) ? Real(-2) : Real(2)) * beta * power};
}

}  // namespace adaq
