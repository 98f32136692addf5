// 3x3 convolutions of codes by Winograd's F(4x4, 3x3) in words (winograd_words.h): a quarter of the multiplications, or
// more where tiles do not fill the map, exactly. Weights take eight times as much memory.
//
// Threads share tiles, or blocks of channels where there are few tiles; results do not depend on it.
#pragma once

#include <vector>

#include "kernels/cpu/integer/epilogue.h"
#include "kernels/cpu/integer/kernels.h"
#include "kernels/cpu/integer/packing.h"

namespace adaq::cpu::integer {

class WinogradConvolution {
  public:
    /// Whether there is Winograd for it, and no sum of these weights is too large. w_zero: as Convolution::Settings.
    static bool can(const Geometry& geometry, const Instructions& instructions, const int8_t* w,
                    const std::vector<int32_t>& w_zero);
    /// Whether it is expected to be faster than products of each window.
    static bool pays(const Geometry& geometry, const Instructions& instructions);

    /// Of codes, which stand for code - x_zero. bias: [K], or empty.
    WinogradConvolution(const Geometry& geometry, const WinogradKernels& kernels, const int8_t* w, int x_zero,
                        const std::vector<int32_t>& bias);

    /// Of its weights and what comes with them.
    size_t bytes() const { return weights_.bytes() + start_.size() * sizeof(int32_t) + zero_.size(); }
    size_t workspace_bytes(int64_t images, int threads) const;
    /// workspace: at a cache line's beginning.
    void run(const uint8_t* x, int64_t images, const Epilogue& epilogue, const Result& y, unsigned char* workspace,
             int threads) const;

  private:
    struct Plan;
    struct Place;

    Plan plan_for(int64_t images, int threads) const;
    void find_tiles(int64_t first, int64_t count, const uint8_t* x, const Place& place) const;

    Geometry geometry_;
    WinogradKernels kernels_;
    PackedWeights weights_;
    int64_t pitch_;               // words of a tile's plane
    std::vector<int32_t> start_;  // [padded K]
    std::vector<uint8_t> zero_;   // a pixel beside the map
};

}  // namespace adaq::cpu::integer
