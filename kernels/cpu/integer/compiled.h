// Convolutions of a simulation whose sums run in one order, or are exact beyond 2^24 (Sums).
#pragma once

#include "kernels/cpu/compiled_operation.h"

namespace adaq::cpu {

std::unique_ptr<CompiledOperation> compile_ordered(const Program& program, const Convolution& op,
                                                   const OperationSetting& setting);

}  // namespace adaq::cpu
