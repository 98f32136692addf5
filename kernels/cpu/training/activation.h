// ReLU and quantiser as passes of their own: the quantiser forward (forward.cpp), and the way back through both
// (activation_backward.cpp).
#pragma once

#include <optional>

#include "kernels/cpu/compiled_operation.h"

namespace adaq::cpu {

/// y = quantise(x), with dropping; y may be x. Without a quantiser y = x.
void quantise_pass(const float* x, const View& view, const std::optional<OutputQuantiser>& q, int64_t count, Target y);

/// dx = activation backward of (dy + addend); dx may be dy, addend may be null.
void pass_back(const ActivationGradient& activation, const View& view, const float* dy, const float* addend,
               int64_t count, Target dx);

/// What follows the product of a gradient to data: the activation backward of (sums + addend), where there is one, and
/// rounding where dx is stored as bf16. The sums lie where dx does, if that is float32.
template <typename ToData>
void finish_gradient(const ToData& op, const View& view, int64_t count, const float* sums) {
    const Target dx = view.target(op.dx);
    if (op.activation || op.addend != kNone || dx.rounded())
        pass_back(op.activation.value_or(ActivationGradient{}), view, sums, view.at(op.addend), count, dx);
}

}  // namespace adaq::cpu
