// Forward: y[(n, p, q), k] = sum over (r, s, c) of x at (p * stride - top + r * dilation, ...) * w[k, (r, s, c)].
// Operand A: windows over x, rows are output pixels; operand B: the filters as they are. Both have c fastest.
#pragma once

#include "kernels/cuda/convolution/divided_sizes.h"
#include "kernels/cuda/convolution/gemm.h"
#include "kernels/cuda/convolution/products.h"

namespace adaq::cuda {

/// A, B, M: loaders and multiplier.
template <typename T, typename A, typename B, typename F, typename M>
struct ForwardProduct : GemmProblem<T, A, B, F, M>, DividedSizes {
    static constexpr bool kWindowRows = true;
    int outside = 0;  // the code around a map of codes

    struct Place {
        const ForwardProduct& problem;
        int rows, total;

        __device__ PixelRow pixel_row(int row) const {
            const ConvolutionSizes& z = problem.sizes;
            if (!inside(row, rows)) return {0, kNowhere, kNowhere};
            const int line = problem.by_q.quotient(row), n = problem.by_p.quotient(line);
            return {int64_t{n} * z.h * z.w * z.c, problem.by_p.remainder(line, n) * z.slide.stride_h - z.slide.top,
                    problem.by_q.remainder(row, line) * z.slide.stride_w - z.slide.left};
        }
        __device__ int64_t offset(int row) const { return int64_t{row} * problem.sizes.k; }
        __device__ A loader_a(const PixelRow* pixels, int) const {
            const ConvolutionSizes& z = problem.sizes;
            return {problem.a,    pixels,         z.h, z.w, total, z.slide.dilation_h, z.slide.dilation_w, problem.by_c,
                    problem.by_s, problem.outside};
        }
        __device__ B loader_b(int first_column) const { return {problem.b, first_column, problem.sizes.k, total}; }
    };
    __device__ Place place() const { return {*this, sizes.n * sizes.p * sizes.q, sizes.r * sizes.s * sizes.c}; }
};

template <Math math, typename T, int Vector, typename F = ForwardFinish>
using ForwardProblem = ForwardProduct<T, WindowRows<T, T::M, Vector>, MatrixRows<T, T::N, Vector>, F,
                                      MultiplierFor<math, T, WindowRows<T, T::M, Vector>, MatrixRows<T, T::N, Vector>>>;

template <typename Problem>
Problem forward_problem(const Operands& operands, const typename Problem::Finish& finish) {
    const ConvolutionSizes& z = operands.sizes;
    require(z.slide.groups == 1, "cuda: a product of groups");
    Problem problem;
    problem.columns = z.k;
    problem.count = z.outputs();
    problem.finish = finish;
    operands.give(problem.a, problem.b);
    static_cast<DividedSizes&>(problem) = DividedSizes(z);
    return problem;
}

template <Math math, typename T, int Vector>
CompiledOperation forward_with(const Operands& operands, const ForwardFinish& finish) {
    return compile_gemm(forward_problem<ForwardProblem<math, T, Vector>>(operands, finish), operands.sizes.pixels_out(),
                        1, operands.choice.splits);
}

template <Math math>
CompiledOperation compile_forward(const Operands& operands, const ForwardFinish& finish) {
    return with_chosen_tile<math, typename Tiles<math, 1>::Tall>(
        operands, [&]<typename T, int Vector>() { return forward_with<math, T, Vector>(operands, finish); });
}

}  // namespace adaq::cuda
