// 3x3 convolutions of codes by Winograd's algorithm (winograd_forms.h), exactly: with fewer multiplications, and larger
// weights. By tiles of 4x4 outputs in words, with a quarter of the multiplications and weights of eight times the size;
// where codes and weights have few bits by tiles of 2x2 in bytes, with four ninths of them and weights of 16 / 9 of the
// size. Where tiles do not fill the map there are more.
//
// Threads share tiles, or blocks of channels where there are few tiles; results do not depend on it.
#pragma once

#include <vector>

#include "kernels/cpu/integer/epilogue.h"
#include "kernels/cpu/integer/kernels.h"
#include "kernels/cpu/integer/packing.h"

namespace adaq::cpu::integer {

/// What a form of Winograd's algorithm needs to know of a layer.
struct WinogradLayer {
    Geometry geometry;
    const int8_t* w;                     // [K,3,3,C]
    const std::vector<int32_t>& w_zero;  // [K], or empty
    int x_most;                          // the largest code
};

class WinogradConvolution {
  public:
    /// How many times as fast as products of each window by `integers` it is expected to be, whatever the weights are.
    /// 0 where it does not pay, or there is none.
    static double gain(const Geometry& geometry, int x_most, const WinogradKernels& kernels,
                       const ProductKernels& integers);
    /// Whether operands and sums are not too large for it.
    static bool is_exact(const WinogradLayer& layer, const WinogradKernels& kernels);

    /// Codes stand for code - x_zero. bias: [K], or empty.
    WinogradConvolution(const WinogradLayer& layer, const WinogradKernels& kernels, int x_zero,
                        const std::vector<int32_t>& bias);

    /// Of its weights and what comes with them.
    size_t bytes() const {
        return weights_.bytes() + (start_.size() + plane_start_.size()) * sizeof(int32_t) + zero_.size();
    }
    /// images > 0. Fewer may need more.
    static size_t workspace_bytes(const Geometry& geometry, const WinogradKernels& kernels, int64_t images,
                                  int threads);
    /// workspace: of workspace_bytes() for the same images and threads, at a cache line's beginning.
    void run(const uint8_t* x, int64_t images, const Epilogue& epilogue, const Result& y, unsigned char* workspace,
             int threads) const;

  private:
    struct Plan;
    struct Place;

    /// The planes' weights. Fills what sums start with.
    PackedWeights pack(const WinogradLayer& layer, int x_zero, const std::vector<int32_t>& bias);
    void find_tiles(int64_t first, int64_t count, const uint8_t* x, const Place& place) const;

    Geometry geometry_;
    WinogradKernels kernels_;
    std::vector<uint8_t> zero_;         // a pixel beside the map
    std::vector<int32_t> start_;        // [padded K]
    std::vector<int32_t> plane_start_;  // [block][plane][channel of the block]
    PackedWeights weights_;             // last: packing them fills what sums start with
};

}  // namespace adaq::cpu::integer
