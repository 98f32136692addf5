// Checks of rounding and of channels' gradients.
#include "engine/program/operations/rounding.h"

#include "engine/program/checker.h"

namespace adaq {
namespace {

void check_rounding(const Checker& c, const Rounding& r) {
    const Shape& w = c.shape(r.w, 0, "rounding w");
    c.same(r.v, w, "rounding V");
    const Shape& scale = c.shape(r.scale, 1, "rounding scale");
    require(scale[0] == 1 || scale[0] == w[0], "rounding: {} scales for {} channels", scale[0], w[0]);
    c.same(r.zero_point, scale, "rounding zero point");
    if (r.channel_scale != kNone) c.same(r.channel_scale, {w[0]}, "channel scale");
    c.same(r.w_hat, w, "rounding w_hat");
}

}  // namespace

void RoundWeights::check(const Checker& c) const { check_rounding(c, rounding); }

void RoundingStep::check(const Checker& c) const {
    check_rounding(c, rounding);
    for (TensorId id : {w_hat_gradient, first_moment, second_moment})
        c.same(id, c.shape(rounding.w, 0, "rounding w"), "rounding step");
    c.state(state);
    if (penalty != kNone) c.same(penalty, {1}, "penalty");
}

void ChannelScaleGradient::check(const Checker& c) const {
    const Shape& w = c.shape(w_hat, 0, "channel scale w_hat");
    c.same(w_hat_gradient, w, "channel scale dw_hat");
    c.vectors({factor, gradient}, w[0], "channel scale factor");
}

void ChannelShiftGradient::check(const Checker& c) const {
    c.same(gradient, {c.shape(dy, 0, "channel shift dy").back()}, "channel shift gradient");
}

}  // namespace adaq
