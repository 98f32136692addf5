// See forward.h. Two launches: the weights rounded to tf32 into scratch (8 B each, once a run: products read operand B
// from shared memory as it is, and cp.async cannot round), then the implicit GEMM of gemm.h.
// Both operands have their summed index fastest in device memory, as tf32 wants it: x by its channels, w by its window.
// Bytes of shared memory a multiply-add of a 128 x 128 tile: 1/32 each to write A and B and to read A once, 1/16 to
// read B, where mma.sync's warps read 3/16 in all. What each block copies comes from the L2 cache, 4 (1/M + 1/N) bytes
// a multiply-add, whence the tile of 256 x 128 where there are enough of them for the card.
#include "kernels/cuda/convolution/forward.h"
#include "kernels/cuda/convolution/products.h"
#include "kernels/cuda/elements.h"
#include "kernels/cuda/sm90a/multiplier.h"

namespace adaq::cuda {
namespace {

struct RoundToTf32 {
    const float* from;
    float* to;

    __device__ const RoundToTf32& load() const { return *this; }
    template <int Count>
    __device__ void run(int64_t first) const {
        float v[Count];
        load_run<Count>(v, from + first);
#pragma unroll
        for (int i = 0; i < Count; ++i) v[i] = __uint_as_float(to_tf32(v[i]));
        store_run<Count>(to + first, v);
    }
};

/// A type of its own, so that no kernel of this file, compiled for sm_90a alone, goes by the name of another file's.
struct WarpgroupFinish : ForwardFinish {};

template <typename T>
struct WarpgroupForward : ForwardProblem<Math::tf32, T, 4, WarpgroupFinish> {
    using Base = ForwardProblem<Math::tf32, T, 4, WarpgroupFinish>;
    using Multiplier = WarpgroupMultiplier<T, typename Base::LoaderA::Layout, typename Base::LoaderB::Layout>;
};

template <typename T>
CompiledOperation forward_with_warpgroups(const Operands& operands, const ForwardFinish& finish) {
    const auto problem = forward_problem<WarpgroupForward<T>>(operands, WarpgroupFinish{finish});
    const auto product = [pixels = operands.sizes.pixels_out(), splits = operands.choice.splits](const auto& of) {
        return compile_gemm(of, pixels, 1, splits);
    };
    const int64_t count = operands.sizes.window() * operands.sizes.k;
    const size_t bytes = shared_bytes<float>(count);  // a multiple of 128
    return {bytes + product(problem).scratch_bytes, [=](cudaStream_t stream, void* scratch) {
                auto* const rounded = static_cast<float*>(scratch);
                for_each_run(ElementRuns(count, kRun, {problem.b, rounded}), RoundToTf32{problem.b, rounded}, stream);
                auto with_rounded = problem;
                with_rounded.b = rounded;
                product(with_rounded).enqueue(stream, static_cast<unsigned char*>(scratch) + bytes);
            }};
}

}  // namespace

CompiledOperation compile_forward_wgmma(const Operands& operands, const ForwardFinish& finish, const Card& card) {
    require(operands.vectors, "cuda: operands that cannot be copied 16 bytes at a time, for wgmma");
    constexpr int kK = 32;
    const int64_t widest = ceil_div(operands.sizes.pixels_out(), 256) * ceil_div(operands.sizes.k, 128);
    switch (operands.choice.tile) {
        case TileSize::large:
            if (widest * operands.choice.splits >= card.multiprocessors)
                return forward_with_warpgroups<Tile<256, 128, kK, 4, 4>>(operands, finish);
            return forward_with_warpgroups<Tile<128, 128, kK, 2, 4>>(operands, finish);
        case TileSize::tall:
            return forward_with_warpgroups<Tile<128, 64, kK, 2, 4>>(operands, finish);
        case TileSize::small:
            break;
    }
    return forward_with_warpgroups<Tile<64, 64, kK, 1, 4>>(operands, finish);
}

}  // namespace adaq::cuda
