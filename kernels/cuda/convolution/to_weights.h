// To weights: dw[k, (r, s, c)] = sum over (n, p, q) of dy[(n, p, q), k] * x at (p * stride - top + r * dilation, ...).
// Operand A: dy as it is; operand B: what each tap of the windows sees of x. Both have their row fastest and the sum
// runs over output pixels, of which there are many: it is split among blocks and added up in order.
#pragma once

#include "kernels/cuda/convolution/divided_sizes.h"
#include "kernels/cuda/convolution/gemm.h"
#include "kernels/cuda/convolution/products.h"

namespace adaq::cuda {

template <Math math, typename T, int Vector, typename A = MatrixColumns<T, T::M, Vector>,
          typename B = WindowColumns<T, T::N, Vector>>
struct ToWeightsProblem : GemmProblem<T, A, B, ToWeightsFinish, MultiplierFor<math, T, A, B>>, DividedSizes {
    static constexpr bool kWindowRows = false;

    struct Place {
        const ToWeightsProblem& problem;
        int rows, total;

        __device__ int64_t offset(int row) const { return int64_t{row} * problem.columns; }
        __device__ A loader_a(const PixelRow*, int first_row) const { return {problem.a, first_row, rows, total}; }
        __device__ B loader_b(int first_column) const {
            const ConvolutionSizes& z = problem.sizes;
            return {problem.b,    z.h,          z.w,          total,        z.slide,        problem.by_q,
                    problem.by_p, problem.by_c, problem.by_s, first_column, problem.columns};
        }
    };
    __device__ Place place() const { return {*this, sizes.k, sizes.n * sizes.p * sizes.q}; }
};

template <Math math, typename T, int Vector>
CompiledOperation to_weights_with(const Operands& operands, const ToWeightsFinish& finish) {
    const ConvolutionSizes& z = operands.sizes;
    require(z.slide.groups == 1, "cuda: a product of groups");
    ToWeightsProblem<math, T, Vector> problem;
    problem.columns = static_cast<int>(z.window());
    problem.count = z.window() * z.k;
    problem.finish = finish;
    operands.give(problem.a, problem.b);
    static_cast<DividedSizes&>(problem) = DividedSizes(z);
    return compile_gemm(problem, z.k, 1, operands.choice.splits);
}

template <Math math>
CompiledOperation compile_to_weights(const Operands& operands, const ToWeightsFinish& finish) {
    return with_chosen_tile<math, typename Tiles<math, 1>::Small>(
        operands, [&]<typename T, int Vector>() { return to_weights_with<math, T, Vector>(operands, finish); });
}

}  // namespace adaq::cuda
