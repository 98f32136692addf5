// To data: dx[(n, h, w), c] = sum over (r, s, k) of dy at ((h + top - r * dilation) / stride, ...) * w[k, r, s, c],
// where the division leaves no rest. Pixels (h, w) of one parity (h % stride, w % stride) see the same taps: each
// parity is a product of its own (blockIdx.z), a convolution with stride 1 that runs up and left over dy. Operand A:
// windows over dy, k fastest; operand B: w, c fastest, which is the product's column.
#pragma once

#include <numeric>

#include "kernels/cuda/convolution/gemm.h"
#include "kernels/cuda/convolution/products.h"

namespace adaq::cuda {

/// Lines of dx with h % stride = a parity: which taps they see, and where.
struct Parity {
    int first_tap = 0, step = 1, taps = 0;  // taps first_tap, first_tap + step, ...
    int begin = 0;                          // line i of them sees dy's line begin + i by the first tap,
    int up = 1;                             // so many further up by each of the next
    int lines = 0;
    FastDivide by_taps, by_lines;

    Parity() = default;
    Parity(int parity, int extent, const WindowAxis& axis) {
        const int window = static_cast<int>(axis.kernel), stride = axis.stride, at = parity + axis.before;
        step = stride / std::gcd(stride, axis.dilation);
        up = step * axis.dilation / stride;
        while (first_tap < window && (at - first_tap * axis.dilation) % stride != 0) ++first_tap;
        taps = first_tap < window ? (window - first_tap + step - 1) / step : 0;
        begin = (at - first_tap * axis.dilation) / stride;
        lines = parity < extent ? (extent - parity + stride - 1) / stride : 0;
        by_taps = FastDivide(taps > 0 ? taps : 1);
        by_lines = FastDivide(lines > 0 ? lines : 1);
    }
};

/// The same for every thread; by constant indices, so that parameters stay where they are.
__device__ inline Parity parity_of(const Parity (&all)[kMostStride], int parity) {
    Parity chosen = all[0];
#pragma unroll
    for (int i = 1; i < kMostStride; ++i) {
        if (parity == i) chosen = all[i];
    }
    return chosen;
}

template <Math math, typename T, int Vector, typename A = WindowRows<T, T::M, Vector>,
          typename B = FilterColumns<T, T::N, Vector>>
struct ToDataProblem : GemmProblem<T, A, B, ToDataFinish, MultiplierFor<math, T, A, B>> {
    static constexpr bool kWindowRows = true;
    ConvolutionSizes sizes;
    FastDivide by_k;
    Parity of_lines[kMostStride], of_columns[kMostStride];

    struct Place {
        const ToDataProblem& problem;
        Parity line, column;
        int line_parity, column_parity;
        int rows, total;

        struct Pixel {
            int n, i, j;  // line i, column j of those of this parity
        };
        __device__ Pixel pixel(int row) const {
            const int above = column.by_lines.quotient(row), n = line.by_lines.quotient(above);
            return {n, line.by_lines.remainder(above, n), column.by_lines.remainder(row, above)};
        }
        __device__ PixelRow pixel_row(int row) const {
            const ConvolutionSizes& z = problem.sizes;
            if (!inside(row, rows)) return {0, kNowhere, kNowhere};
            const Pixel at = pixel(row);
            return {int64_t{at.n} * z.p * z.q * z.k, line.begin + at.i, column.begin + at.j};
        }
        __device__ int64_t offset(int row) const {
            const ConvolutionSizes& z = problem.sizes;
            const Pixel at = pixel(row);
            const int64_t h = line_parity + at.i * z.slide.stride_h, w = column_parity + at.j * z.slide.stride_w;
            return ((int64_t{at.n} * z.h + h) * z.w + w) * z.c;
        }
        __device__ A loader_a(const PixelRow* pixels, int) const {
            return {problem.a, pixels,     problem.sizes.p, problem.sizes.q, total,
                    -line.up,  -column.up, problem.by_k,    column.by_taps};
        }
        __device__ B loader_b(int first_column) const {
            const ConvolutionSizes& z = problem.sizes;
            return {problem.b,      first_column,     z.c,       total,       z.r,          z.s,
                    line.first_tap, column.first_tap, line.step, column.step, problem.by_k, column.by_taps};
        }
    };
    __device__ Place place() const {
        const int plane = static_cast<int>(blockIdx.z), line_parity = plane / sizes.slide.stride_w,
                  column_parity = plane % sizes.slide.stride_w;
        const Parity line = parity_of(of_lines, line_parity), column = parity_of(of_columns, column_parity);
        return {*this,
                line,
                column,
                line_parity,
                column_parity,
                sizes.n * line.lines * column.lines,
                line.taps * column.taps * sizes.k};
    }
};

template <Math math, typename T, int Vector>
CompiledOperation to_data_with(const Operands& operands, const ToDataFinish& finish) {
    const ConvolutionSizes& z = operands.sizes;
    require(z.slide.groups == 1, "cuda: a product of groups");
    ToDataProblem<math, T, Vector> problem;
    problem.columns = z.c;
    problem.count = int64_t{z.n} * z.h * z.w * z.c;
    problem.finish = finish;
    operands.give(problem.a, problem.b);
    problem.sizes = z;
    problem.by_k = FastDivide(z.k);
    for (int parity = 0; parity < z.slide.stride_h; ++parity)
        problem.of_lines[parity] = Parity(parity, z.h, z.slide.rows(z.r));
    for (int parity = 0; parity < z.slide.stride_w; ++parity)
        problem.of_columns[parity] = Parity(parity, z.w, z.slide.columns(z.s));
    // The first parity has the most lines.
    const int64_t rows = int64_t{z.n} * problem.of_lines[0].lines * problem.of_columns[0].lines;
    return compile_gemm(problem, rows, z.slide.stride_h * z.slide.stride_w, operands.choice.splits);
}

template <Math math>
CompiledOperation compile_to_data(const Operands& operands, const ToDataFinish& finish) {
    return with_chosen_tile<math, typename Tiles<math, 1>::Small>(
        operands, [&]<typename T, int Vector>() { return to_data_with<math, T, Vector>(operands, finish); });
}

}  // namespace adaq::cuda
