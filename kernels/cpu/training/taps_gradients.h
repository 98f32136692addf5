// A convolution's gradients on small maps (kernels/cpu/taps.h).
#pragma once

#include <memory>

#include "kernels/cpu/training/compiled_operations.h"

namespace adaq::cpu {

/// Null where oneDNN's own kernel is as fast.
std::unique_ptr<CompiledOperation> compile_taps(const Program& program, const ConvolutionToData& op,
                                                const TrainingSetting& setting);
std::unique_ptr<CompiledOperation> compile_taps(const Program& program, const ConvolutionToWeights& op,
                                                const TrainingSetting& setting);

}  // namespace adaq::cpu
