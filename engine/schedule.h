// What depends on the iteration while a rounding or a scale is learned (docs/arithmetic.md section 5), written
// once for every device. The values are computed in double and kept in the precision of the device's iteration state.
#pragma once

#include <cmath>
#include <cstdint>

#include "engine/plateau.h"

namespace adaq {

/// The iteration state: a tensor [kIterationValues] that a device moves on by itself. All zeros starts afresh.
enum IterationValue {
    kIteration,         // t = 1 ... T of the iteration that runs; 0 before the first
    kRegulariserOn,     // 0 before warm-up is over, then 1
    kBeta,              // of the rounding regulariser
    kRoundingRate,      // learning rates
    kScaleRate,         //
    kChannelRate,       //
    kFirstCorrection,   // Adam: 1 / (1 - 0.9^t)
    kSecondCorrection,  // 1 / sqrt(1 - 0.999^t)
    kFirstBad,          // the first iteration whose loss was not finite; 0: none
    kBestLoss,          // PlateauState, where the scale rate follows a plateau
    kBadIterations,     //
    kIterationValues
};

/// The regulariser is on from t >= warm_up * T, and there beta falls linearly.
struct Schedule {
    int64_t iterations = 20000;  // T
    double warm_up = 0.2;
    double beta_start = 20.0, beta_end = 2.0;
    double rounding_rate = 1e-3, scale_rate = 4e-5, channel_rate = 0.0;
    bool cosine_scale_rate = false;  // scale and channel rates * (1 + cos(pi (t - 1) / T)) / 2
};

/// Looks at a loss of the iteration that was the last, of which there is none before the first; returns it.
template <typename Real>
ADAQ_HOST_DEVICE inline double look_at_loss(Real* state, Real loss) {
    const bool finite = std::fabs(loss) < static_cast<Real>(INFINITY);
    if (state[kIteration] > Real(0) && state[kFirstBad] == Real(0) && !finite) state[kFirstBad] = state[kIteration];
    return static_cast<double>(loss);
}

/// Begins the next iteration. On a plateau the scale rate starts as the schedule has it and then falls with `losses`,
/// the sum of those of the last iteration.
template <typename Real>
ADAQ_HOST_DEVICE inline void begin_iteration(Real* state, const Schedule& s, bool on_plateau, const Plateau& plateau,
                                             double losses) {
    const double t = static_cast<double>(state[kIteration]) + 1.0, total = static_cast<double>(s.iterations);
    const double warm = s.warm_up * total, progress = t > warm ? (t - warm) / (total - warm) : 0.0;
    state[kIteration] = static_cast<Real>(t);
    state[kRegulariserOn] = t >= warm ? Real(1) : Real(0);
    state[kBeta] = static_cast<Real>(s.beta_start + (s.beta_end - s.beta_start) * progress);
    state[kRoundingRate] = static_cast<Real>(s.rounding_rate);
    state[kFirstCorrection] = static_cast<Real>(1.0 / (1.0 - std::pow(0.9, t)));
    state[kSecondCorrection] = static_cast<Real>(1.0 / std::sqrt(1.0 - std::pow(0.999, t)));
    if (on_plateau && t > 1.0) {
        const PlateauState<Real> now{state[kBestLoss], state[kBadIterations], state[kScaleRate]};
        const PlateauState<Real> next = follow_plateau(now, plateau, static_cast<Real>(losses));
        state[kBestLoss] = next.best;
        state[kBadIterations] = next.bad;
        state[kScaleRate] = next.rate;
    } else {
        constexpr double kPi = 3.14159265358979323846;
        const double factor = s.cosine_scale_rate ? (1.0 + std::cos(kPi * (t - 1.0) / total)) / 2.0 : 1.0;
        state[kScaleRate] = static_cast<Real>(s.scale_rate * factor);
        state[kChannelRate] = static_cast<Real>(s.channel_rate * factor);
        state[kBestLoss] = static_cast<Real>(INFINITY);
        state[kBadIterations] = Real(0);
    }
}

}  // namespace adaq
