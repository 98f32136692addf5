// Depthwise convolutions of codes: each output channel reads one input channel. A row of outputs by a block of channels
// at a time; nothing is copied. Where depthwise_columns.h takes an epilogue, products are of bytes; else they are of
// words, window by window, as follows.
//
// Channels are packed in groups, in the order in which instructions interleave two vectors of words: of each eight the
// first four come in the group's first half, the others in its second.
#pragma once

#include <optional>
#include <vector>

#include "kernels/cpu/integer/depthwise_columns.h"
#include "kernels/cpu/integer/epilogue.h"
#include "kernels/cpu/integer/geometry.h"
#include "kernels/cpu/integer/kernels.h"

namespace adaq::cpu::integer {

class DepthwiseConvolution {
  public:
    /// Whether a convolution is one.
    static bool is(const Geometry& geometry) { return geometry.c == geometry.groups && geometry.k == geometry.groups; }

    /// As Convolution (convolution.h); w: [K,R,S].
    DepthwiseConvolution(const Geometry& geometry, const Instructions& instructions, const int8_t* w,
                         const std::vector<int32_t>& w_zero, int x_zero, const std::vector<int32_t>& bias);

    /// Of its weights.
    size_t bytes() const {
        return w_.size() * sizeof(int16_t) + start_.size() * sizeof(int32_t) + (columns_ ? columns_->bytes() : 0);
    }
    void run(const uint8_t* x, int64_t images, const Epilogue& epilogue, const Result& y, int threads) const;

  private:
    void run_row(const uint8_t* image, int64_t p, int64_t first_y, const Epilogue& epilogue, const Finish& finish,
                 const Result& y) const;

    void find_taps();

    Geometry geometry_;
    const Instructions* instructions_;
    std::vector<uint8_t> zero_;       // [kDepthwiseChannels] codes of zero
    std::vector<DepthwiseTap> taps_;  // filled up to an even number
    std::vector<int16_t> w_;          // [group][pair of taps][channel of the group][2], centred; filled up with 0
    std::vector<int32_t> start_;      // [group][channel of the group]: what sums of codes begin with
    std::optional<DepthwiseColumns> columns_;  // for the epilogues that it takes
};

}  // namespace adaq::cpu::integer
