// The geometry of a convolution on maps in NHWC with weights in KRSC.
#pragma once

#include <cstdint>

namespace adaq::cpu::integer {

struct Geometry {
    int64_t h, w, c;  // of a map of the input
    int64_t k;        // output channels
    int64_t r = 1, s = 1;
    int64_t stride_h = 1, stride_w = 1;
    int64_t top = 0, left = 0, bottom = 0, right = 0;  // padding
    int64_t dilation_h = 1, dilation_w = 1;
    int64_t groups = 1;

    int64_t p() const { return (h + top + bottom - (r - 1) * dilation_h - 1) / stride_h + 1; }
    int64_t q() const { return (w + left + right - (s - 1) * dilation_w - 1) / stride_w + 1; }
    int64_t group_c() const { return c / groups; }
    int64_t weights() const { return k * r * s * group_c(); }
    bool padded() const { return top != 0 || left != 0 || bottom != 0 || right != 0; }
};

inline int64_t divided_up(int64_t a, int64_t b) { return (a + b - 1) / b; }
inline int64_t rounded_up(int64_t a, int64_t to) { return divided_up(a, to) * to; }

/// Throws std::logic_error where the numbers fit no convolution.
void check(const Geometry& geometry);

}  // namespace adaq::cpu::integer
