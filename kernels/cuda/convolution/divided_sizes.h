#pragma once

#include "kernels/cuda/convolution/sizes.h"
#include "kernels/cuda/fast_divide.h"

namespace adaq::cuda {

/// The extents of a convolution with what divides an index of a window by its channels and columns, and one of a pixel
/// by y's columns and rows.
struct DividedSizes {
    ConvolutionSizes sizes;
    FastDivide by_c, by_s, by_q, by_p;

    DividedSizes() = default;
    explicit DividedSizes(const ConvolutionSizes& z) : sizes(z), by_c(z.c), by_s(z.s), by_q(z.q), by_p(z.p) {}
};

}  // namespace adaq::cuda
