// The three directions of a convolution as steps, one function each and kind of arithmetic, each in a file of its own
// (so that they compile side by side); and which of them an operation takes.
#pragma once

#include "kernels/cuda/convolution/choice.h"
#include "kernels/cuda/convolution/finish.h"
#include "kernels/cuda/convolution/sizes.h"
#include "kernels/cuda/convolution/tile.h"

namespace adaq::cuda {

/// A convolution's operands: of the result there is none here, it is the finish's.
struct Operands {
    const float *a, *b;  // forward: x, w; to data: dy, w; to weights: dy, x
    ConvolutionSizes sizes;
    Choice choice;
    bool vectors;  // both can be copied 16 bytes at a time

    Operands(const float* first, const float* second, const ConvolutionSizes& of)
        : a(first), b(second), sizes(of), vectors(of.in_fours() && aligned_runs<4>(first) && aligned_runs<4>(second)) {}
};

template <Math math>
Step forward_step(const Operands& operands, const ForwardFinish& finish);
template <Math math>
Step to_data_step(const Operands& operands, const ToDataFinish& finish);
template <Math math>
Step to_weights_step(const Operands& operands, const ToWeightsFinish& finish);

/// The tiles of one kind of arithmetic. Operands that are copied float by float have one of their own: the stem's.
template <Math math>
struct Tiles {
    using Large = Tile<128, 128, k_tile(math), 2, 4>;
    using Tall = Tile<128, 64, k_tile(math), 2, 2>;
    using Small = Tile<64, 64, k_tile(math), 2, 2>;
};

/// to_data's pixels of one parity form a product of their own: there are stride^2 of them.
inline constexpr int kMostStride = 4;

}  // namespace adaq::cuda
