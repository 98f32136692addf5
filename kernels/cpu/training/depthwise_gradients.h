// A depthwise convolution's gradients (kernels/cpu/depthwise.h); null where a convolution is none.
#pragma once

#include <memory>

#include "kernels/cpu/training/compiled_operations.h"

namespace adaq::cpu {

std::unique_ptr<CompiledOperation> compile_depthwise(const Program& program, const ConvolutionToData& op,
                                                     const TrainingSetting& setting);
std::unique_ptr<CompiledOperation> compile_depthwise(const Program& program, const ConvolutionToWeights& op,
                                                     const TrainingSetting& setting);

}  // namespace adaq::cpu
