// The three directions of a convolution, compiled by one function each and kind of arithmetic, each in a file of its
// own (so that they compile side by side); and which of them an operation takes.
#pragma once

#include "kernels/cuda/convolution/choice.h"
#include "kernels/cuda/convolution/finish.h"
#include "kernels/cuda/convolution/sizes.h"
#include "kernels/cuda/convolution/tile.h"

namespace adaq::cuda {

/// One of a product's operands in device memory.
struct Operand {
    const void* values;
    int64_t count;
    bool half = false;  // stored in bf16, else in float32
};

/// A convolution's operands: of the result there is none here, it is the finish's.
struct Operands {
    Operand a, b;  // forward: x, w; to data: dy, w; to weights: dy, x
    ConvolutionSizes sizes;
    Choice choice;
    /// Both are copied 16 bytes at a time, of ElementOf<vector_of(math)>; else float by float.
    bool vectors;

    Operands(Operand first, Operand second, const ConvolutionSizes& of, Math math)
        : a(first),
          b(second),
          sizes(of),
          vectors(in_vectors(of.c, of.k, math) && aligned_runs<4>(first.values) && aligned_runs<4>(second.values)) {}
    /// To a problem's pointers, whose elements they must be.
    template <typename Element>
    void give(const Element*& to_a, const Element*& to_b) const {
        to_a = static_cast<const Element*>(a.values);
        to_b = static_cast<const Element*>(b.values);
    }
};

template <Math math>
CompiledOperation compile_forward(const Operands& operands, const ForwardFinish& finish);
template <Math math>
CompiledOperation compile_to_data(const Operands& operands, const ToDataFinish& finish);
template <Math math>
CompiledOperation compile_to_weights(const Operands& operands, const ToWeightsFinish& finish);

/// A sum of integers (fma.h, ExactMultiplier), where operands have the form of Math::f32.
CompiledOperation compile_exact_forward(const Operands& operands, const ForwardFinish& finish);

/// compile_forward<Math::tf32> by sm_90's warpgroups, with the same sums, where a device was made with `wgmma`
/// (kernels/cuda/sm90a). Needs sm_90 and operands.vectors.
CompiledOperation compile_forward_wgmma(const Operands& operands, const ForwardFinish& finish, const Card& card);

/// The tiles of one kind of arithmetic and of copies. Operands that are copied float by float have one of their own:
/// the stem's.
template <Math math, int Vector>
struct Tiles {
    static constexpr int kK = k_tile(math, Vector > 1);
    using Large = Tile<128, 128, kK, 2, 4>;
    using Tall = Tile<128, 64, kK, 2, 2>;
    using Small = Tile<64, 64, kK, 2, 2>;
};

/// make<Tile, Vector>() with the tile that the operands' choice means. Single: that of operands which are copied float
/// by float.
template <Math math, typename Single, typename Make>
CompiledOperation with_chosen_tile(const Operands& operands, const Make& make) {
    constexpr int kVector = vector_of(math);
    using Of = Tiles<math, kVector>;
    if (!operands.vectors) return make.template operator()<Single, 1>();
    switch (operands.choice.tile) {
        case TileSize::large:
            return make.template operator()<typename Of::Large, kVector>();
        case TileSize::tall:
            return make.template operator()<typename Of::Tall, kVector>();
        case TileSize::small:
            break;
    }
    return make.template operator()<typename Of::Small, kVector>();
}

/// to_data's pixels of one parity form a product of their own: there are stride^2 of them.
inline constexpr int kMostStride = static_cast<int>(kLimits.convolution_stride);

}  // namespace adaq::cuda
