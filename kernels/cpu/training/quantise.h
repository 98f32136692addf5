// A quantiser as a pass of its own.
#pragma once

#include <optional>

#include "kernels/cpu/step.h"

namespace adaq::cpu {

/// y = quantise(x), with dropping; y may be x. Without a quantiser y = x.
void quantise_pass(const float* x, const View& view, const std::optional<OutputQuantiser>& q, int64_t count, Target y);

}  // namespace adaq::cpu
