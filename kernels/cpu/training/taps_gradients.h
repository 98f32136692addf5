// A convolution's gradients on small maps (kernels/cpu/taps.h).
#pragma once

#include <memory>

#include "kernels/cpu/step.h"

namespace adaq::cpu {

/// Null where oneDNN's own kernel is as fast.
std::unique_ptr<Step> make_taps_step(const Program& program, const ConvolutionToData& op, Math math);
std::unique_ptr<Step> make_taps_step(const Program& program, const ConvolutionToWeights& op, Math math);

}  // namespace adaq::cpu
