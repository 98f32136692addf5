// The kernels of products.h, for one kind of tensor cores.
#pragma once

#include "kernels/cuda/convolution/forward.h"
#include "kernels/cuda/integer/multiplier.h"
#include "kernels/cuda/integer/operands.h"
#include "kernels/cuda/integer/products.h"

namespace adaq::cuda {

template <typename T, typename A, typename B, bool kTuring>
CompiledOperation codes_with(const Operands& operands, int outside, const CodesFinish& finish) {
    using Multiplier = CodesMultiplier<T, typename A::Layout, typename B::Layout, kTuring>;
    auto problem = forward_problem<ForwardProduct<T, A, B, CodesFinish, Multiplier>>(operands, finish);
    problem.outside = outside;
    return compile_gemm(problem, operands.sizes.pixels_out(), 1, operands.choice.splits);
}

template <typename T, bool kTuring>
CompiledOperation copied_codes(const Operands& operands, int outside, const CodesFinish& finish) {
    return codes_with<T, WindowRows<T, T::M, 16>, MatrixRows<T, T::N, 16>, kTuring>(operands, outside, finish);
}

template <typename T, bool kTuring>
CompiledOperation gathered_codes(const Operands& operands, int outside, const CodesFinish& finish) {
    return codes_with<T, GatheredWindows<T, T::M>, GatheredRows<T, T::N>, kTuring>(operands, outside, finish);
}

}  // namespace adaq::cuda
