// Depthwise convolutions of codes: each output channel reads one input channel. A row of outputs by a block of channels
// at a time; nothing is copied.
#pragma once

#include <vector>

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
                         const std::vector<int32_t>& w_zero, int x_zero, std::vector<int32_t> bias);

    /// Of its weights.
    size_t bytes() const { return w_.size() * sizeof(int16_t) + bias_.size() * sizeof(int32_t); }
    void run(const uint8_t* x, int64_t images, const Epilogue& epilogue, const Result& y, int threads) const;

  private:
    void run_row(const uint8_t* image, int64_t p, int64_t first_y, const Epilogue& epilogue, const Result& y) const;

    Geometry geometry_;
    const Instructions* instructions_;
    int x_zero_;
    std::vector<int32_t> bias_;  // [K], or empty
    std::vector<int16_t> w_;     // [R,S,K], centred
};

}  // namespace adaq::cpu::integer
