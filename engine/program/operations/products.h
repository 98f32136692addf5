// Convolutions and the fully connected layer, in three directions: forward, to the gradient of the input, to that of
// the weights.
#pragma once

#include "engine/program/operations/epilogue.h"
#include "engine/program/operations/window.h"

namespace adaq {

class Checker;

/// How a layer's sums are added up. free: in float32, in any order: values, or integers that float32 holds exactly.
/// in_order: by fused multiply-adds in the order r, s, c (padding is left out), from 0, so that the same bits come from
/// every device. exact: sums beyond 2^24 of integers (a convolution's: of at most 255), rounded to float32 once.
enum class Sums { free, in_order, exact };

/// Only free sums may round their operands (Math::bf16).
constexpr TensorUse operand_of(Sums sums) { return sums == Sums::free ? use::kOperand : use::kReadRows; }

// ---- their tensors, in each direction

void visit_product(auto& op, const TensorUse& y, const auto& visit) {
    visit(op.x, operand_of(op.sums));
    visit(op.w, use::kConstant);
    visit(op.y, y);
    visit_epilogue(op.epilogue, visit);
}

void visit_product_to_data(auto& op, const TensorUse& dx, const auto& visit) {
    visit(op.dy, use::kOperand);
    visit(op.w, use::kConstant);
    visit(op.dx, dx);
    visit(op.addend, use::kReadRows);
    if (op.activation) visit_activation(*op.activation, visit);
}

void visit_product_to_weights(auto& op, const auto& visit) {
    visit(op.x, use::kOperand);
    visit(op.dy, use::kOperand);
    visit(op.dw, use::kWrite);
}

/// y[N,P,Q,K] = sum over R,S,C of x[N,H,W,C] * w[K,R,S,C / groups], over the channels of K's group.
struct Convolution {
    static constexpr OperationTraits kTraits{"convolution", Purpose::inference, Cost::product};
    TensorId x, w, y;
    ConvolutionWindow window = {};
    Epilogue epilogue = {};
    Sums sums = Sums::free;

    static void visit_tensors(auto& op, const auto& visit) {
        visit_product(op, quantised_output(op.epilogue.quantiser, op.epilogue.saved), visit);
    }
    ProductTensors product() const { return {y, w}; }
    void check(const Checker& checker) const;
};

/// dx[N,H,W,C] = activation backward of (addend + sum over P,Q,K of dy[N,P,Q,K] * w[K,R,S,C / groups]).
struct ConvolutionToData {
    static constexpr OperationTraits kTraits{"convolution's gradient to data", Purpose::learning, Cost::product};
    TensorId dy, w, dx;
    ConvolutionWindow window = {};
    TensorId addend = kNone;  // the gradient of another reader of x, shape of dx
    std::optional<ActivationGradient> activation = std::nullopt;

    static void visit_tensors(auto& op, const auto& visit) { visit_product_to_data(op, use::kRoundable, visit); }
    ProductTensors product() const { return {dy, w}; }
    void check(const Checker& checker) const;
};

/// dw[K,R,S,C / groups] = sum over N,P,Q of dy[N,P,Q,K] * x[N,H,W,C], in an order that is the same in every run.
struct ConvolutionToWeights {
    static constexpr OperationTraits kTraits{"convolution's gradient to weights", Purpose::learning, Cost::product};
    TensorId x, dy, dw;
    ConvolutionWindow window = {};

    static void visit_tensors(auto& op, const auto& visit) { visit_product_to_weights(op, visit); }
    ProductTensors product() const { return {dy, dw}; }
    void check(const Checker& checker) const;
};

/// y[N,K] = sum over C of x[N,C] * w[K,C], summed in an order that depends on C alone. x may be a map, [N,H,W,C'],
/// whose C = H W C' elements it reads as they lie; so may x and dx below.
struct Linear {
    static constexpr OperationTraits kTraits{"fully connected layer", Purpose::inference, Cost::product};
    TensorId x, w, y;
    Epilogue epilogue = {};
    Sums sums = Sums::free;

    static void visit_tensors(auto& op, const auto& visit) {
        TensorUse output = quantised_output(op.epilogue.quantiser, op.epilogue.saved);
        output.bf16 = Bf16::no;
        visit_product(op, output, visit);
    }
    ProductTensors product() const { return {y, w}; }
    void check(const Checker& checker) const;
};

/// dx[N,C] = activation backward of (addend + sum over K of dy[N,K] * w[K,C]).
struct LinearToData {
    static constexpr OperationTraits kTraits{"fully connected layer's gradient to data", Purpose::learning,
                                             Cost::product};
    TensorId dy, w, dx;
    TensorId addend = kNone;
    std::optional<ActivationGradient> activation = std::nullopt;

    static void visit_tensors(auto& op, const auto& visit) { visit_product_to_data(op, use::kWriteRows, visit); }
    ProductTensors product() const { return {dy, w}; }
    void check(const Checker& checker) const;
};

/// dw[K,C] = sum over N of dy[N,K] * x[N,C].
struct LinearToWeights {
    static constexpr OperationTraits kTraits{"fully connected layer's gradient to weights", Purpose::learning,
                                             Cost::product};
    TensorId x, dy, dw;

    static void visit_tensors(auto& op, const auto& visit) { visit_product_to_weights(op, visit); }
    ProductTensors product() const { return {dy, dw}; }
    void check(const Checker& checker) const;
};

}  // namespace adaq
