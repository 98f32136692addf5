// Learning how to round a weight, and what a whole channel of it has in common.
#pragma once

#include "engine/grid.h"
#include "engine/program/tensor_use.h"

namespace adaq {

class Checker;

/// A weight whose rounding is learned (docs/arithmetic.md section 5):
/// w_hat = channel_scale[k] * s * (clamp(floor(w / s) + h(V) + z, qmin, qmax) - z).
struct Rounding {
    TensorId w, v, w_hat;            // [K,...]
    TensorId scale, zero_point;      // [K] or [1]
    TensorId channel_scale = kNone;  // [K]: a fixed batch norm's factor; none: 1
    Grid grid;
};

/// `v` is how V is used.
void visit_rounding(auto& rounding, const TensorUse& v, const auto& visit) {
    visit(rounding.w, use::kConstant);
    visit(rounding.v, v);
    visit(rounding.w_hat, use::kWrite);
    visit(rounding.scale, use::kConstant);
    visit(rounding.zero_point, use::kConstant);
    visit(rounding.channel_scale, use::kRead);
}

/// w_hat from w and V.
struct RoundWeights {
    static constexpr OperationTraits kTraits{"rounding of weights", Purpose::learning, Cost::memory};
    Rounding rounding;

    static void visit_tensors(auto& op, const auto& visit) { visit_rounding(op.rounding, use::kRead, visit); }
    void check(const Checker& checker) const;
};

/// One fused step: dL/dw_hat -> dL/dV + lambda * regulariser -> Adam at the rounding rate -> new V and new w_hat.
struct RoundingStep {
    static constexpr OperationTraits kTraits{"step of the rounding", Purpose::learning, Cost::memory};
    Rounding rounding;
    TensorId w_hat_gradient;  // [K,...]
    TensorId first_moment, second_moment;
    TensorId state;
    double lambda = 1.0;
    TensorId penalty = kNone;  // [1]: lambda * sum(1 - |2h - 1|^beta) before the step, 0 while the regulariser is off

    static void visit_tensors(auto& op, const auto& visit) {
        visit_rounding(op.rounding, use::kUpdate, visit);
        visit(op.w_hat_gradient, use::kRead);
        visit(op.first_moment, use::kUpdate);
        visit(op.second_moment, use::kUpdate);
        visit(op.state, use::kState);
        visit(op.penalty, use::kWrite);
    }
    void check(const Checker& checker) const;
};

/// gradient[k] = sum over k's weights of dL/dw_hat * w_hat, divided by factor[k]: that of a factor which multiplies
/// whole channels (Rounding::channel_scale).
struct ChannelScaleGradient {
    static constexpr OperationTraits kTraits{"gradient of the channels' scales", Purpose::learning, Cost::memory};
    TensorId w_hat, w_hat_gradient;  // [K,...]
    TensorId factor, gradient;       // [K]

    static void visit_tensors(auto& op, const auto& visit) {
        visit(op.w_hat, use::kRead);
        visit(op.w_hat_gradient, use::kRead);
        visit(op.factor, use::kRead);
        visit(op.gradient, use::kWrite);
    }
    void check(const Checker& checker) const;
};

/// gradient[C] = sum of dy[...,C] over all but C: that of what is added to each channel (Epilogue::shift).
struct ChannelShiftGradient {
    static constexpr OperationTraits kTraits{"gradient of the channels' shifts", Purpose::learning, Cost::memory};
    TensorId dy, gradient;

    static void visit_tensors(auto& op, const auto& visit) {
        visit(op.dy, TensorUse{Access::read, Extent::rows, Bf16::suffices});
        visit(op.gradient, use::kWrite);
    }
    void check(const Checker& checker) const;
};

}  // namespace adaq
