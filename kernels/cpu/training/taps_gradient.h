// A convolution's gradient to weights on small maps.
#pragma once

#include <memory>

#include "kernels/cpu/step.h"

namespace adaq::cpu {

/// Null where oneDNN's own kernel is as fast.
std::unique_ptr<Step> make_taps_step(const Program& program, const ConvolutionToWeights& op, Math math);

}  // namespace adaq::cpu
