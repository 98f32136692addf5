// Convolutions of codes and of floats, NHWC by KRSC, with the epilogue of epilogue.h, and fully connected layers, which
// are convolutions of maps of one position. Weights are packed once, when a layer is made; a layer may be run by many
// threads at once, each with a workspace of its own. y must not overlap what is read.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "kernels/cpu/integer/blocked.h"
#include "kernels/cpu/integer/depthwise.h"
#include "kernels/cpu/integer/level.h"
#include "kernels/cpu/integer/winograd_convolution.h"

namespace adaq::cpu::integer {

/// sum = bias[k] + sum over the window of (x - x_zero) * (w - w_zero[k]), exact; what is beyond the map's edge is
/// x_zero.
class Convolution {
  public:
    struct Settings {
        Geometry geometry;
        std::span<const int8_t> w;         // [K,R,S,C / groups]
        std::vector<int32_t> w_zero = {};  // [K], -255 ... 255; empty: all 0
        int x_zero = 0;                    // 0 ... 255
        int x_most = 255;                  // no code of x is larger
        /// Sums may be 2^31 and more in size: sums in 64 bits, by plain loops.
        bool wide = false;
        std::vector<int32_t> bias = {};  // [K]; empty: all 0
    };
    explicit Convolution(const Settings& settings) : Convolution(settings, instructions(best_level())) {}
    Convolution(const Settings& settings, const Instructions& instructions);

    /// Of its weights and what comes with them.
    size_t bytes() const {
        return blocked_     ? blocked_->bytes()
               : winograd_  ? winograd_->bytes()
               : depthwise_ ? depthwise_->bytes()
                            : w_.size() + (w_zero_.size() + bias_.size()) * sizeof(int32_t);
    }
    /// images > 0. The same whatever the weights are. Fewer images may need more.
    size_t workspace_bytes(int64_t images, int threads) const;
    void run(const uint8_t* x, int64_t images, const Epilogue& epilogue, const Result& y, unsigned char* workspace,
             int threads) const;

  private:
    std::vector<const WinogradKernels*> winograds() const;
    const WinogradKernels* winograd_for(const Settings& settings) const;
    void run_plainly(const uint8_t* x, int64_t images, const Epilogue& epilogue, const Result& y, int threads) const;

    Geometry geometry_;
    const Instructions* instructions_;
    int x_zero_, x_most_;
    bool wide_;
    std::optional<BlockedConvolution> blocked_;  // one of the three, unless sums are wide
    std::optional<WinogradConvolution> winograd_;
    std::optional<DepthwiseConvolution> depthwise_;
    std::vector<int8_t> w_;  // for the plain loops
    std::vector<int32_t> w_zero_, bias_;
};

/// How products of floats are summed.
enum class FloatSum : uint8_t {
    in_order,  // fmaf(x, w, sum) over r, s, c in this order, from 0: the same bits on every instruction set. Padding
               // counts nothing, and a sum of -0 is 0.
    exact      // in float64, then once to float32: for integers whose sums are below 2^53
};

class FloatConvolution {
  public:
    FloatConvolution(const Geometry& geometry, std::span<const float> w, FloatSum sum)
        : FloatConvolution(geometry, w, sum, instructions(best_level())) {}
    FloatConvolution(const Geometry& geometry, std::span<const float> w, FloatSum sum,
                     const Instructions& instructions);

    size_t bytes() const { return blocked_.bytes(); }
    size_t workspace_bytes(int64_t images, int threads) const;
    void run(const float* x, int64_t images, const Epilogue& epilogue, const Result& y, unsigned char* workspace,
             int threads) const;

  private:
    Geometry geometry_;
    ProductKernels kernels_;
    BlockedConvolution blocked_;
};

}  // namespace adaq::cpu::integer
