// The fully connected layer behind pooled codes: sums over a map, which are wider than codes, by weights of 8 bits. Of
// codes or floats it is a convolution of one position (convolution.h).
#pragma once

#include <span>
#include <vector>

#include "kernels/cpu/integer/epilogue.h"

namespace adaq::cpu::integer {

/// sum = sum over c of (x - x_zero) * (w - w_zero[k]), exact: in 32 bits, or in 64 where `wide`.
class SumsLinear {
  public:
    /// w: [K,C]; w_zero: [K], or empty.
    SumsLinear(std::span<const int8_t> w, int64_t k, const std::vector<int32_t>& w_zero, int32_t x_zero, bool wide);

    /// Of its weights.
    size_t bytes() const { return w_.size() * sizeof(int16_t); }
    void run(const int32_t* x, int64_t images, const Epilogue& epilogue, const Result& y, int threads) const;

  private:
    int64_t k_, c_;
    int32_t x_zero_;
    bool wide_;
    std::vector<int16_t> w_;  // [K,C], centred
};

}  // namespace adaq::cpu::integer
