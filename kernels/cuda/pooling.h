// The maps and windows of a pool, as its kernels see them.
#pragma once

#include "engine/program/operations/window.h"
#include "kernels/cuda/position.h"

namespace adaq::cuda {

struct Pooling {
    int height, width;  // of x
    int out_height, out_width;
    PoolingWindow window;
    int channel_count;
    FastDivide channels, columns, rows, out_columns, out_rows;

    Pooling(const Shape& x, const Shape& y, const PoolingWindow& of)
        : height(static_cast<int>(x[1])),
          width(static_cast<int>(x[2])),
          out_height(static_cast<int>(y[1])),
          out_width(static_cast<int>(y[2])),
          window(of),
          channel_count(static_cast<int>(x[3])),
          channels(x[3]),
          columns(x[2]),
          rows(x[1]),
          out_columns(y[2]),
          out_rows(y[1]) {}

    __device__ Position of_input(int64_t element) const { return {element, channels, columns, rows}; }
    __device__ Position of_output(int64_t element) const { return {element, channels, out_columns, out_rows}; }
    /// The first windows that see a row, and a column. Window p sees row h where p * stride - padding <= h < p * stride
    /// - padding + kernel.
    __device__ int first_above(int row) const { return first(row, window.kernel_h, window.stride_h, window.top); }
    __device__ int first_left_of(int column) const {
        return first(column, window.kernel_w, window.stride_w, window.left);
    }

  private:
    __device__ static int first(int line, int kernel, int stride, int padding) {
        const int begins = line + padding - kernel + 1;
        return begins <= 0 ? 0 : (begins + stride - 1) / stride;
    }
};

}  // namespace adaq::cuda
