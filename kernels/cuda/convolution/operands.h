// Copies of pieces of the operands into shared memory, in the background. Each loader belongs to one operand of one
// block and fills a stage with the values of k from `first_k` on; what lies outside the operand is filled with zeros
// (around a map of codes with the code of zero).
// Vector: elements a copy, and what they are (ElementOf): 16 codes, 8 of bf16 or 4 floats where the fastest extent is a
// multiple of that, else 1 float.
#pragma once

#include "engine/program/operations/window.h"
#include "kernels/cuda/convolution/tile.h"
#include "kernels/cuda/fast_divide.h"
#include "kernels/cuda/ptx.h"

namespace adaq::cuda {

template <int Vector>
__device__ inline void copy_async(ElementOf<Vector>* to, const ElementOf<Vector>* from, bool valid) {
    if constexpr (Vector > 1) {
        cp_async_16(to, from, valid);
    } else {
        cp_async_4(to, from, valid);
    }
}

// ---- summed index fastest -------------------------------------------------------------------------------------------

/// Rows of a matrix [rows, total].
template <typename T, int Extent, int Vector>
struct MatrixRows {
    using Element = ElementOf<Vector>;
    using Layout = ByRow<Extent, T::K, Element>;
    using Mine = Copies<T::K, Extent, Vector, T::kThreads>;
    const Element* matrix;
    int first_row, rows, total;

    __device__ void load(Element* stage, int first_k) const {
        const int k = first_k + Mine::along();
        const bool within = inside(k, total);
#pragma unroll 4
        for (int i = 0; i < Mine::kCount; ++i) {
            const int row = Mine::across(i), global = first_row + row;
            copy_async<Vector>(stage + Layout::index(row, Mine::along()), matrix + int64_t{global} * total + k,
                               within && inside(global, rows));
        }
    }
};

/// Where the windows of one row of the product begin: made once a block.
struct PixelRow {
    int64_t image;  // offset of its first element
    int h, w;       // of the window's first tap; far outside for rows that are not there
};
inline constexpr int kNowhere = -(1 << 24);

/// Windows over a map [N, height, width, channels]: row i is what `taps` x `taps` pixels around a place hold, k = (tap,
/// channel). down, right: pixels from a tap to the next below and beside it; to data they are less than 0.
template <typename T, int Extent, int Vector>
struct WindowRows {
    using Element = ElementOf<Vector>;
    using Layout = ByRow<Extent, T::K, Element>;
    using Mine = Copies<T::K, Extent, Vector, T::kThreads>;
    const Element* map;
    const PixelRow* rows;  // [Extent], shared memory
    int height, width, total, down, right;
    FastDivide channels, taps;  // taps: of a line
    int outside = 0;            // of codes: what stands around the map

    __device__ void load(Element* stage, int first_k) const {
        const int k = first_k + Mine::along(), tap = channels.quotient(k), line = taps.quotient(tap);
        const int dh = down * line, dw = right * taps.remainder(tap, line);
        const int channel = channels.remainder(k, tap), channel_count = static_cast<int>(channels.divisor);
        const bool within = inside(k, total);
#pragma unroll 4
        for (int i = 0; i < Mine::kCount; ++i) {
            const int row = Mine::across(i);
            const PixelRow pixel = rows[row];
            const int h = pixel.h + dh, w = pixel.w + dw;
            const bool valid =
                within && inside(static_cast<unsigned>(h), height) && inside(static_cast<unsigned>(w), width);
            const int64_t offset = (int64_t{h} * width + w) * channel_count + channel;
            if constexpr (Vector == 16) {
                if (!valid && outside != 0) {
                    const unsigned four = 0x01010101u * static_cast<unsigned>(outside);
                    *reinterpret_cast<uint4*>(stage + Layout::index(row, Mine::along())) =
                        uint4{four, four, four, four};
                    continue;
                }
            }
            copy_async<Vector>(stage + Layout::index(row, Mine::along()), map + pixel.image + offset, valid);
        }
    }
};

// ---- rows fastest ---------------------------------------------------------------------------------------------------

/// Columns of a matrix [total, columns].
template <typename T, int Extent, int Vector>
struct MatrixColumns {
    using Element = ElementOf<Vector>;
    using Layout = ByColumn<Extent, T::K, Element>;
    using Mine = Copies<Extent, T::K, Vector, T::kThreads>;
    const Element* matrix;
    int first_column, columns, total;

    __device__ void load(Element* stage, int first_k) const {
        const int column = first_column + Mine::along();
        const bool within = inside(column, columns);
#pragma unroll 4
        for (int i = 0; i < Mine::kCount; ++i) {
            const int row = Mine::across(i), k = first_k + row;
            copy_async<Vector>(stage + Layout::index(Mine::along(), row), matrix + int64_t{k} * columns + column,
                               within && inside(k, total));
        }
    }
};

/// The weights [filters, R, S, channels] as the way to data needs them: k = (tap, filter), columns are channels. Of the
/// taps only each `step`-th counts, from `first` on.
template <typename T, int Extent, int Vector>
struct FilterColumns {
    using Element = ElementOf<Vector>;
    using Layout = ByColumn<Extent, T::K, Element>;
    using Mine = Copies<Extent, T::K, Vector, T::kThreads>;
    const Element* weights;
    int first_column, channels, total;
    int height, width, first_r, first_s, step_r, step_s;  // R, S
    FastDivide filters, taps;

    __device__ void load(Element* stage, int first_k) const {
        const int column = first_column + Mine::along();
        const bool within = inside(column, channels);
#pragma unroll 4
        for (int i = 0; i < Mine::kCount; ++i) {
            const int row = Mine::across(i), k = first_k + row;
            const int tap = filters.quotient(k), filter = filters.remainder(k, tap), line = taps.quotient(tap);
            const int r = first_r + step_r * line, s = first_s + step_s * taps.remainder(tap, line);
            const int64_t offset = ((int64_t{filter} * height + r) * width + s) * channels + column;
            copy_async<Vector>(stage + Layout::index(Mine::along(), row), weights + offset, within && inside(k, total));
        }
    }
};

/// What the taps of a window over x see: k is an output pixel (n, p, q), columns are (tap, channel).
template <typename T, int Extent, int Vector>
struct WindowColumns {
    using Element = ElementOf<Vector>;
    using Layout = ByColumn<Extent, T::K, Element>;
    using Mine = Copies<Extent, T::K, Vector, T::kThreads>;
    const Element* map;
    int height, width, channels, total, stride_h, stride_w;
    FastDivide columns, rows;  // Q, P
    int dh, dw, channel;       // of this thread's column, dh and dw with the padding taken off
    bool within;

    __device__ WindowColumns(const Element* x, int h, int w, int pixels, const ConvolutionWindow& slide, FastDivide q,
                             FastDivide p, FastDivide by_channels, FastDivide by_taps, int first_column,
                             int width_of_all)
        : map(x),
          height(h),
          width(w),
          channels(static_cast<int>(by_channels.divisor)),
          total(pixels),
          stride_h(slide.stride_h),
          stride_w(slide.stride_w),
          columns(q),
          rows(p) {
        const int column = first_column + Mine::along(), tap = by_channels.quotient(column);
        const int r = by_taps.quotient(tap);
        channel = by_channels.remainder(column, tap);
        dh = r * slide.dilation_h - slide.top;
        dw = by_taps.remainder(tap, r) * slide.dilation_w - slide.left;
        within = inside(column, width_of_all);
    }
    __device__ void load(Element* stage, int first_k) const {
#pragma unroll 4
        for (int i = 0; i < Mine::kCount; ++i) {
            const int row = Mine::across(i), k = first_k + row;
            const int line = columns.quotient(k), image = rows.quotient(line);
            const int h = rows.remainder(line, image) * stride_h + dh, w = columns.remainder(k, line) * stride_w + dw;
            const bool valid = within && inside(k, total) && inside(static_cast<unsigned>(h), height) &&
                               inside(static_cast<unsigned>(w), width);
            const int64_t pixel = (int64_t{image} * height + h) * width + w;
            copy_async<Vector>(stage + Layout::index(Mine::along(), row), map + pixel * channels + channel, valid);
        }
    }
};

}  // namespace adaq::cuda
