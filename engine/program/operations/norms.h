// Batch norms, and the loss that looks at what enters them.
//
// Batch norms with fixed statistics need no operation of their own while rounding is learned: their per-channel factor
// is part of the weight (Rounding::channel_scale) and their offset is an Epilogue's shift, so that gradients pass
// through neither. Only where what enters a norm is looked at (StatisticsLoss) is BatchNorm::fixed needed.
#pragma once

#include "engine/program/operations/epilogue.h"

namespace adaq {

class Checker;

/// y = epilogue(gamma * (x - mean) * inverse_std + beta), mean and biased variance over N,H,W of each channel. The
/// running ones move by `momentum` towards the batch's (the variance's unbiased). The epilogue has no scale and shift.
/// fixed: normalises by the running statistics, and nothing moves.
struct BatchNorm {
    static constexpr OperationTraits kTraits{"batch norm", Purpose::learning, Cost::memory};
    TensorId x, y;
    TensorId gamma, beta;                     // [C]
    TensorId running_mean, running_variance;  // [C], moved
    TensorId mean, inverse_std;               // [C], written, for the way back
    double epsilon = 1e-5, momentum = 0.1;
    Epilogue epilogue = {};
    bool fixed = false;

    static void visit_tensors(auto& op, const auto& visit) {
        visit(op.x, use::kReadRows);
        visit(op.y, use::kWriteRows);
        visit(op.gamma, use::kRead);
        visit(op.beta, use::kRead);
        visit(op.running_mean, op.fixed ? use::kRead : use::kUpdate);
        visit(op.running_variance, op.fixed ? use::kRead : use::kUpdate);
        visit(op.mean, use::kWrite);
        visit(op.inverse_std, use::kWrite);
        visit_epilogue(op.epilogue, visit);
    }
    void check(const Checker& checker) const;
};

/// dx through the batch's statistics; gamma and beta are not learned. (A fixed norm's is StatisticsLoss::through.)
struct BatchNormGradient {
    static constexpr OperationTraits kTraits{"batch norm's gradient", Purpose::learning, Cost::memory};
    TensorId dy, x, dx;
    TensorId gamma, mean, inverse_std;

    static void visit_tensors(auto& op, const auto& visit) {
        visit(op.dy, use::kReadRows);
        visit(op.x, use::kReadRows);
        visit(op.dx, use::kWriteRows);
        visit(op.gamma, use::kRead);
        visit(op.mean, use::kRead);
        visit(op.inverse_std, use::kRead);
    }
    void check(const Checker& checker) const;
};

/// The way back through a fixed batch norm: gamma[c] * inverse_std[c] * dy.
struct ThroughFixedNorm {
    TensorId dy;                  // of the norm's output
    TensorId gamma, inverse_std;  // [C]
};

/// How far the statistics of what enters a batch norm are from that norm's, image by image (PD-Quant's distribution
/// correction, arXiv 2212.07048; docs/arithmetic.md section 8): x[N,H,W,C],
/// loss = factor * sum over N,C of (mu - mean[c])^2 + (sigma - sqrt(variance[c] + epsilon))^2,
/// mu = mean over the map, sigma = sqrt(unbiased variance over the map + epsilon). A map of one element has no
/// variance: there only the means count. dx = the gradient, added to what comes back through the norm if that is read.
struct StatisticsLoss {
    static constexpr OperationTraits kTraits{"distance of statistics", Purpose::learning, Cost::memory};
    TensorId x, dx, loss;     // loss [1]
    TensorId mean, variance;  // [C]
    double epsilon = 1e-6;
    double factor = 1.0;
    std::optional<ThroughFixedNorm> through = std::nullopt;

    static void visit_tensors(auto& op, const auto& visit) {
        visit(op.x, use::kReadRows);
        visit(op.dx, use::kWriteRows);
        visit(op.loss, use::kWrite);
        visit(op.mean, use::kRead);
        visit(op.variance, use::kRead);
        if (!op.through) return;
        visit(op.through->dy, use::kReadRows);
        visit(op.through->gamma, use::kRead);
        visit(op.through->inverse_std, use::kRead);
    }
    void check(const Checker& checker) const;
};

}  // namespace adaq
