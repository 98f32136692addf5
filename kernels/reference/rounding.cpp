// AdaRound's weights from V, and one step of learning V (docs/arithmetic.md section 5).
#include "engine/rounding.h"

#include "kernels/reference/adam.h"
#include "kernels/reference/interpreter.h"

namespace adaq::reference {

Interpreter::RoundedWeight Interpreter::round_weight(const Rounding& r, int64_t index) {
    const int64_t k = index / (count(r.w) / shape(r.w)[0]), group = count(r.scale) == 1 ? 0 : k;
    const double scale = at(r.scale)[group], zero_point = at(r.zero_point)[group];
    const double factor = r.channel_scale == kNone ? 1.0 : at(r.channel_scale)[k];
    const auto soft = soft_rounding(at(r.v)[index]);
    const double q = floor_of_ratio(at(r.w)[index], scale) + soft.h + zero_point;
    const double qmin = r.grid.qmin(), qmax = r.grid.qmax();
    const double clamped = q < qmin ? qmin : q > qmax ? qmax : q;
    return {factor * scale * (clamped - zero_point), clamped == q ? factor * scale * soft.derivative : 0.0, soft.h,
            soft.derivative};
}

void Interpreter::operator()(const RoundWeights& op) {
    const Rounding& r = op.rounding;
    for (int64_t i = 0; i < count(r.w); ++i) at(r.w_hat)[i] = round_weight(r, i).w_hat;
}

void Interpreter::operator()(const RoundingStep& op) {
    const Rounding& r = op.rounding;
    const double* state = at(op.state);
    double penalty = 0.0;
    for (int64_t i = 0; i < count(r.w); ++i) {
        const RoundedWeight rounded = round_weight(r, i);
        double gradient = at(op.w_hat_gradient)[i] * rounded.by_v;
        if (state[kRegulariserOn] > 0.0) {
            const auto term = rounding_penalty(rounded.h, state[kBeta]);
            penalty += op.lambda * term.value;
            gradient += op.lambda * term.by_h * rounded.h_by_v;
        }
        at(r.v)[i] -= adam(gradient, state[kRoundingRate], state, at(op.first_moment)[i], at(op.second_moment)[i]);
        at(r.w_hat)[i] = round_weight(r, i).w_hat;
    }
    if (op.penalty != kNone) *at(op.penalty) = penalty;
}

}  // namespace adaq::reference
