// The loops of depthwise convolutions, a row of a map at a time, in vectors of channels (innermost in NHWC).
//
// Cost of a tap: a vector of x and, for each of a few positions side by side, a multiplication and an addition; its
// weights come once for those positions. Rows stay in the cache while the taps of the next rows need them again, so
// that memory is read and written once.
#pragma once

#include <cstdint>
#include <vector>

#include "engine/activation.h"

namespace adaq::cpu {

/// Of a window's columns those that count: how many pixels beside a position's own pixel it lies, and the same in
/// elements; where its weights lie in a row of weights.
struct TapColumn {
    int64_t pixel, offset, weight;

    TapColumn(int64_t column, int64_t beside, int64_t channels)
        : pixel(beside), offset(beside * channels), weight(column * channels) {}
};

inline constexpr int kMostTapRows = 16;

/// y[position] = activation(scale * (sum over the rows and columns of taps of x * w) + shift), all [channels].
struct FilterRow {
    int64_t channels;
    /// x's rows [width][channels], so many, and the rows of weights [S][channels] that belong to them.
    const float *rows[kMostTapRows], *weights[kMostTapRows];
    int count;
    const std::vector<TapColumn>* columns;
    int64_t width;      // of x's rows
    int64_t step;       // pixels of x from one position's own to the next one's
    int64_t positions;  // of y
    int64_t y_step;     // elements of y from one position to the next
    const float* scale;
    const float* shift;
    Activation activation;
    float* y;
    const float* next;  // x's rows that the next call will be the first to read, so many one after the other;
    int next_rows;      // they, and the row behind y, are asked of memory meanwhile
};
void filter_row(const FilterRow& row);

/// dw[column's weight] += sum over the positions of dy * x, all [channels]: what a row of dy and a row of x add to a
/// row of weights.
struct ProductRow {
    int64_t channels;
    const float *x, *dy;  // [width][channels], [positions][channels]
    const std::vector<TapColumn>* columns;
    int64_t width, step, positions;
    float* dw;          // [S][channels]
    const float* next;  // x's rows that are new to the next row of dy, as in FilterRow; they and that row are asked for
    int next_rows;
};
void add_products(const ProductRow& row);

/// sum[i] += x[i]
void add_to(const float* x, int64_t n, double* sum);

}  // namespace adaq::cpu
