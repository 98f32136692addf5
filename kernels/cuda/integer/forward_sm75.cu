// What a block may have of shared memory holds the small tile alone (choice.cu).
#include "kernels/cuda/integer/forward.h"

namespace adaq::cuda {

template <>
CompiledOperation compile_codes<true>(const Operands& operands, int outside, const CodesFinish& finish) {
    if (!operands.vectors) return gathered_codes<Tile<64, 64, kGatheredOfStage, 2, 2>, true>(operands, outside, finish);
    return copied_codes<Tile<64, 64, kCodesOfStage, 2, 2>, true>(operands, outside, finish);
}

}  // namespace adaq::cuda
