// A convolution's weights as the products of its taps read them: weights that change in every run where they lie, in
// KRSC, or (bf16) one tap's at a time rounded to where the product finds them in the second-level cache; constant ones
// as copies, one a tap, in the layout that oneDNN likes best.
#pragma once

#include <optional>

#include "kernels/cpu/taps_product.h"

namespace adaq::cpu {

class TapsWeights {
  public:
    /// What comes first in the matrix: that over which a product sums.
    enum class Order { ck, kc };
    TapsWeights(const Shape& w, Order order, Math math, bool constant);

    /// What a product is to expect of its second operand.
    dnnl::memory::desc layout() const;
    /// Before a run: renews the copies of constant weights that have been uploaded since (version).
    void refresh(const Taps& taps, const TapsProduct& product, uint64_t version, float* w);
    /// The tap's matrix, of w as it is now. Bf16 makes its copy, on all threads, in place of the last tap's.
    void* of(const Tap& tap, float* w);

  private:
    int64_t index_of(const Tap& tap) const { return tap.r * w_[2] + tap.s; }
    int64_t of_k() const { return w_[1] * w_[2] * w_[3]; }  // elements from one k's weights to the next
    /// K and C in the matrix's order; of_k: elements from one k to the next.
    dnnl::memory::desc matrix(dnnl::memory::data_type type, int64_t of_k) const;

    Shape w_;
    Order order_;
    bool half_, constant_;
    AlignedFloats rounded_;                             // of changing weights
    std::unordered_map<int64_t, dnnl::memory> copies_;  // of constant ones, by tap
    std::optional<uint64_t> version_;                   // that they were made from
};

}  // namespace adaq::cpu
