// Ways to a convolution's gradients beside oneDNN's; convolution_gradients.cpp chooses. (Winograd's are in winograd.h.)
#pragma once

#include <memory>

#include "kernels/cpu/training/compiled_operations.h"

namespace adaq::cpu {

/// Null where it is no depthwise convolution.
std::unique_ptr<CompiledOperation> compile_depthwise(const Program& program, const ConvolutionToData& op,
                                                     const TrainingSetting& setting);
std::unique_ptr<CompiledOperation> compile_depthwise(const Program& program, const ConvolutionToWeights& op,
                                                     const TrainingSetting& setting);

/// Null where oneDNN's own kernel is as fast.
std::unique_ptr<CompiledOperation> compile_taps(const Program& program, const ConvolutionToData& op,
                                                const TrainingSetting& setting);
std::unique_ptr<CompiledOperation> compile_taps(const Program& program, const ConvolutionToWeights& op,
                                                const TrainingSetting& setting);

}  // namespace adaq::cpu
