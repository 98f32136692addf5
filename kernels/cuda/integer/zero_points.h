// The sums that zero points are multiplied with (finish.h), made before the product, in the operation's scratch memory.
#pragma once

#include "kernels/cuda/convolution/sizes.h"

namespace adaq::cuda {

/// sums[k] = factor * sum of w[k, ...].
void sum_weights(const int8_t* w, const ConvolutionSizes& sizes, int factor, int32_t* sums, cudaStream_t stream);

/// sums[(n, p, q)] = sum over the window of x - zero, which is 0 around the map.
void sum_windows(const uint8_t* x, const ConvolutionSizes& sizes, int zero, int32_t* sums, cudaStream_t stream);

}  // namespace adaq::cuda
