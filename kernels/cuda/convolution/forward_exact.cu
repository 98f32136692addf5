#include "kernels/cuda/convolution/forward.h"

namespace adaq::cuda {
namespace {

template <int Vector>
CompiledOperation exact_with(const Operands& operands, const ForwardFinish& finish) {
    using T = typename Tiles<Math::f32, Vector>::Small;  // its sums in double fit the registers
    using A = WindowRows<T, T::M, Vector>;
    using B = MatrixRows<T, T::N, Vector>;
    using Multiplier = ExactMultiplier<T, typename A::Layout, typename B::Layout>;
    return compile_gemm(forward_problem<ForwardProduct<T, A, B, ForwardFinish, Multiplier>>(operands, finish),
                        operands.sizes.pixels_out(), 1, 1);
}

}  // namespace

CompiledOperation compile_exact_forward(const Operands& operands, const ForwardFinish& finish) {
    return operands.vectors ? exact_with<vector_of(Math::f32)>(operands, finish) : exact_with<1>(operands, finish);
}

}  // namespace adaq::cuda
