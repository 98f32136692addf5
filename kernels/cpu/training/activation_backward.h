// The way back through ReLU and quantiser, in one pass.
#pragma once

#include "kernels/cpu/step.h"

namespace adaq::cpu {

/// dx = activation backward of (dy + addend); dx may be dy, addend may be null.
void pass_back(const ActivationGradient& activation, const View& view, const float* dy, const float* addend,
               int64_t count, float* dx);

}  // namespace adaq::cpu
