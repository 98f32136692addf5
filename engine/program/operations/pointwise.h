// Element by element: the addition at the end of a block, fake quantisation, and the way back through both.
#pragma once

#include "engine/program/operations/epilogue.h"

namespace adaq {

class Checker;

/// y = quantise(activation(a_scale * a + b_scale * b)), all of one shape.
struct Addition {
    static constexpr OperationTraits kTraits{"addition", Purpose::inference, Cost::memory};
    TensorId a, b, y;
    float a_scale = 1.0f, b_scale = 1.0f;
    std::optional<OutputQuantiser> quantiser = std::nullopt;
    TensorId saved = kNone;  // receives the value before the quantiser
    Activation activation = Activation::relu();

    static void visit_tensors(auto& op, const auto& visit) {
        visit(op.a, use::kReadRows);
        visit(op.b, use::kReadRows);
        visit(op.y, quantised_output(op.quantiser, op.saved));
        visit(op.saved, use::kWriteRows);
        visit_quantiser(op.quantiser, visit);
    }
    void check(const Checker& checker) const;
};

/// dx = activation backward of (dy + addend). With a ReLU it is the gradient of both of Addition's terms (where their
/// factors are 1); without one, that of FakeQuantise.
struct ActivationBackward {
    static constexpr OperationTraits kTraits{"activation's gradient", Purpose::learning, Cost::memory};
    TensorId dy, dx;
    TensorId addend = kNone;
    ActivationGradient activation;

    static void visit_tensors(auto& op, const auto& visit) {
        visit(op.dy, use::kReadRows);
        visit(op.dx, use::kRoundable);
        visit(op.addend, use::kReadRows);
        visit_activation(op.activation, visit);
    }
    void check(const Checker& checker) const;
};

/// y = quantise(x), any shape, one scale.
struct FakeQuantise {
    static constexpr OperationTraits kTraits{"fake quantisation", Purpose::inference, Cost::memory};
    TensorId x, y;
    OutputQuantiser quantiser;

    static void visit_tensors(auto& op, const auto& visit) {
        TensorUse output = use::kRoundable;
        output.codes = op.quantiser.codes;
        auto* const quantiser = &op.quantiser;
        visit(op.x, use::kReadRows);
        visit(op.y, output);
        visit_quantiser(quantiser, visit);
    }
    void check(const Checker& checker) const;
};

}  // namespace adaq
