// The windows of convolutions and pools: how they slide over a map [N,H,W,C], and how many positions they have on it.
#pragma once

#include <algorithm>
#include <cstdint>

namespace adaq {

/// Along one axis of a map: position i of the output sees elements i * stride - before + tap * dilation of the input.
struct WindowAxis {
    int64_t kernel = 1;
    int stride = 1, before = 0, after = 0, dilation = 1;

    /// What stands beyond the map's ends is padding: zeros of a convolution, nothing of a pool.
    constexpr int64_t input(int64_t position, int64_t tap) const { return position * stride - before + tap * dilation; }
    constexpr int64_t reach() const { return (kernel - 1) * dilation + 1; }
    /// Over an input of `extent`, which with its padding must hold one at least.
    constexpr int64_t positions(int64_t extent) const { return (extent + before + after - reach()) / stride + 1; }
    /// Of a window without dilation: the elements [first, last) of an input of `extent` that a position sees.
    constexpr int64_t first(int64_t position) const { return std::max<int64_t>(position * stride - before, 0); }
    constexpr int64_t last(int64_t position, int64_t extent) const {
        return std::min<int64_t>(position * stride - before + kernel, extent);
    }
};

/// Of a convolution, whose kernel is its weight's. Input channels [g * C / groups, (g + 1) * C / groups) give output
/// channels [g * K / groups, (g + 1) * K / groups).
struct ConvolutionWindow {
    int stride_h = 1, stride_w = 1;
    int top = 0, left = 0, bottom = 0, right = 0;  // padding with zeros
    int dilation_h = 1, dilation_w = 1;
    int groups = 1;

    static constexpr ConvolutionWindow square(int stride, int padding) {
        return {stride, stride, padding, padding, padding, padding};
    }
    constexpr WindowAxis rows(int64_t kernel) const { return {kernel, stride_h, top, bottom, dilation_h}; }
    constexpr WindowAxis columns(int64_t kernel) const { return {kernel, stride_w, left, right, dilation_w}; }
    /// One stride, one padding, no dilation, no groups.
    constexpr bool is_square() const { return *this == square(stride_h, top); }
    constexpr bool operator==(const ConvolutionWindow&) const = default;
};

/// Of a pool.
struct PoolingWindow {
    int kernel_h = 1, kernel_w = 1, stride_h = 1, stride_w = 1;
    int top = 0, left = 0, bottom = 0, right = 0;

    static constexpr PoolingWindow square(int kernel, int stride, int padding) {
        return {kernel, kernel, stride, stride, padding, padding, padding, padding};
    }
    constexpr WindowAxis rows() const { return {kernel_h, stride_h, top, bottom}; }
    constexpr WindowAxis columns() const { return {kernel_w, stride_w, left, right}; }
    constexpr bool operator==(const PoolingWindow&) const = default;
};

}  // namespace adaq
