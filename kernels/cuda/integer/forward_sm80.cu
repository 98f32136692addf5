#include "kernels/cuda/integer/forward.h"

namespace adaq::cuda {

template <>
CompiledOperation compile_codes<false>(const Operands& operands, int outside, const CodesFinish& finish) {
    if (!operands.vectors)
        return gathered_codes<Tile<128, 64, kGatheredOfStage, 2, 2>, false>(operands, outside, finish);
    switch (operands.choice.tile) {
        case TileSize::large:
            return copied_codes<Tile<128, 128, kCodesOfStage, 2, 4>, false>(operands, outside, finish);
        case TileSize::tall:
            return copied_codes<Tile<128, 64, kCodesOfStage, 2, 2>, false>(operands, outside, finish);
        case TileSize::small:
            break;
    }
    return copied_codes<Tile<64, 64, kCodesOfStage, 2, 2>, false>(operands, outside, finish);
}

}  // namespace adaq::cuda
