// A 3x3 convolution of stride 1 by Winograd's F(4x4, 3x3): less than half the time of a direct sum where maps are large
// enough. Its float rounding differs, so that integer codes, whose sums must be exact, never come here.
#pragma once

#include <memory>

#include "kernels/cpu/compiled_operation.h"

namespace adaq::cpu {

/// Null where the convolution is not one that gains from it.
std::unique_ptr<CompiledOperation> compile_winograd(const Program& program, const Convolution& op,
                                                    const OperationSetting& setting);

/// The gradient to data of such a convolution, which is one itself, of dy with the weights turned over and their
/// channels exchanged. setting.images: the whole batch.
std::unique_ptr<CompiledOperation> compile_winograd(const Program& program, const ConvolutionToData& op,
                                                    const OperationSetting& setting);

/// The gradient to its weights.
std::unique_ptr<CompiledOperation> compile_winograd(const Program& program, const ConvolutionToWeights& op,
                                                    const OperationSetting& setting);

}  // namespace adaq::cpu
