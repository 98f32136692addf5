// Sums of a layer of codes on tensor cores: an implicit GEMM (kernels/cuda/convolution/gemm.h) of u8 windows and i8
// filters. Cost: as there, 1 B an operand's element. Each copy of 16 bytes holds 16 channels; operands with other
// numbers of channels are gathered byte by byte.
#pragma once

#include "kernels/cuda/convolution/products.h"
#include "kernels/cuda/integer/finish.h"

namespace adaq::cuda {

/// How much of k a stage holds; and where operands are gathered.
inline constexpr int kCodesOfStage = 128, kGatheredOfStage = 64;

/// operands.vectors: copied 16 bytes at a time. outside: the code around the map.
template <bool kTuring>
CompiledOperation compile_codes(const Operands& operands, int outside, const CodesFinish& finish);

}  // namespace adaq::cuda
