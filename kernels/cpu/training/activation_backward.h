// The way back through ReLU and quantiser, in one pass.
#pragma once

#include "kernels/cpu/step.h"

namespace adaq::cpu {

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
