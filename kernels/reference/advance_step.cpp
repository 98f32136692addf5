// The step values of an iteration (engine/program/operations.h, StepValue).
#include <cmath>
#include <numbers>

#include "kernels/reference/interpreter.h"

namespace adaq::reference {

void Interpreter::operator()(const AdvanceStep& op) {
    double *state = at(op.state), sum = 0.0;
    for (TensorId loss : op.losses) {
        sum += *at(loss);
        if (state[kIteration] > 0 && state[kFirstBad] == 0 && !std::isfinite(*at(loss)))
            state[kFirstBad] = state[kIteration];
    }
    const StepSchedule& s = op.schedule;
    const double t = ++state[kIteration], total = static_cast<double>(s.iterations), warm = s.warm_up * total;
    const double progress = t > warm ? (t - warm) / (total - warm) : 0.0;
    state[kRegulariserOn] = t >= warm ? 1.0 : 0.0;
    state[kBeta] = s.beta_start + (s.beta_end - s.beta_start) * progress;
    state[kRoundingRate] = s.rounding_rate;
    if (op.plateau && t > 1.0) {
        const PlateauState<double> now{state[kBestLoss], state[kBadIterations], state[kScaleRate]};
        const PlateauState<double> next = follow_plateau(now, *op.plateau, sum);
        state[kBestLoss] = next.best;
        state[kBadIterations] = next.bad;
        state[kScaleRate] = next.rate;
    } else {
        const double cosine = (1.0 + std::cos(std::numbers::pi * (t - 1.0) / total)) / 2.0;
        state[kBestLoss] = INFINITY;
        state[kBadIterations] = 0.0;
        state[kScaleRate] = s.scale_rate * (s.cosine_scale_rate ? cosine : 1.0);
        state[kChannelRate] = s.channel_rate * (s.cosine_scale_rate ? cosine : 1.0);
    }
    state[kFirstCorrection] = 1.0 / (1.0 - std::pow(0.9, t));
    state[kSecondCorrection] = 1.0 / std::sqrt(1.0 - std::pow(0.999, t));
}

}  // namespace adaq::reference
