// Losses that compare with a target; the statistics' is in norms.h.
#pragma once

#include "engine/program/tensor_use.h"

namespace adaq {

class Checker;

/// loss = factor * sum of weight * |y - target|^exponent, and dy. Row i of y belongs to row indices[i] of target (and
/// weight); without indices to row i.
struct SquaredError {
    static constexpr OperationTraits kTraits{"squared error", Purpose::learning, Cost::memory};
    TensorId y, target, dy, loss;  // loss [1]
    TensorId indices = kNone;
    TensorId weight = kNone;
    double exponent = 2.0;
    double factor = 1.0;

    static void visit_tensors(auto& op, const auto& visit) {
        visit(op.y, use::kReadRows);
        visit(op.target, use::kCache);
        visit(op.dy, use::kRoundable);
        visit(op.loss, use::kWrite);
        visit(op.indices, use::kReadRows);
        visit(op.weight, use::kCache);
    }
    void check(const Checker& checker) const;
};

/// loss = factor * sum over rows of KL(softmax(target / T) || softmax(logits / T)), and the gradient to logits [N,C].
struct KlDivergence {
    static constexpr OperationTraits kTraits{"Kullback-Leibler divergence", Purpose::learning, Cost::memory};
    TensorId logits, target, dlogits, loss;
    TensorId indices = kNone;
    double temperature = 4.0;
    double factor = 1.0;

    static void visit_tensors(auto& op, const auto& visit) {
        visit(op.logits, use::kReadRows);
        visit(op.target, use::kCache);
        visit(op.dlogits, use::kWriteRows);
        visit(op.loss, use::kWrite);
        visit(op.indices, use::kReadRows);
    }
    void check(const Checker& checker) const;
};

}  // namespace adaq
