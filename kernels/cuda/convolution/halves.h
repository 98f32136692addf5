// Operands of products in bf16 as kernels copy them: in bf16, as they are where they are stored so, else rounded to
// nearest into the operation's scratch memory by a launch before the product.
#pragma once

#include "kernels/cuda/compiled_operation.h"
#include "kernels/cuda/convolution/products.h"

namespace adaq::cuda {

/// y = x rounded to nearest, ties to even. y: at a multiple of 16 bytes.
void round_to_halves(const float* x, int64_t count, bf16* y, cudaStream_t stream);

/// What the rounded copy of an operand takes of the scratch memory.
inline size_t halves_bytes(const Operand& operand) {
    return operand.half ? 0 : shared_bytes<bf16>(operand.count);  // a multiple of 128
}

/// The operand in bf16, rounded into `scratch` where it is not stored so.
Operand to_halves(const Operand& operand, void* scratch, cudaStream_t stream);

/// A product of operands that are copied float by float takes them as they are.
template <typename Finish>
CompiledOperation of_halves(const Operands& operands, const Finish& finish,
                            CompiledOperation (*product)(const Operands&, const Finish&)) {
    if (!operands.vectors) return product(operands, finish);
    const size_t a_bytes = halves_bytes(operands.a), bytes = a_bytes + halves_bytes(operands.b);
    return {bytes + product(operands, finish).scratch_bytes, [=](cudaStream_t stream, void* scratch) {
                auto* const memory = static_cast<unsigned char*>(scratch);
                Operands halves = operands;
                halves.a = to_halves(operands.a, memory, stream);
                halves.b = to_halves(operands.b, memory + a_bytes, stream);
                product(halves, finish).enqueue(stream, memory + bytes);
            }};
}

}  // namespace adaq::cuda
