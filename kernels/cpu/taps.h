// A convolution on small maps as one matrix product a tap (r, s) of its window, over the rows (images and positions)
// that the tap reads inside the map (kn2row of Anderson et al., arXiv 1709.03395, but without padding): there much of a
// window is padding, and weights outweigh activations, so that reordering them costs as much as multiplying.
#pragma once

#include <oneapi/dnnl/dnnl.hpp>
#include <vector>

#include "kernels/cpu/compiled_operation.h"

namespace adaq::cpu {

/// Positions [first, last) along one edge of the output whose input, `offset` further on at this stride, lies in a map
/// of `size`.
struct TapRange {
    int64_t first, last;

    TapRange(int64_t positions, int64_t stride, int64_t offset, int64_t size);
    int64_t count() const { return last - first; }
    bool has(int64_t position) const { return position >= first && position < last; }
};

struct Tap {
    int64_t r, s;
    TapRange rows, columns;
    int64_t of_image;   // rows of the product: of each image,
    int64_t first_row;  // and before this tap's, in all images
};

/// A tensor whose rows are copied: what it stores, and what is wanted of it.
struct TapsOperand {
    const float* values;
    bool stored_half, half;
};

class Taps {
  public:
    /// x[N,H,W,C], w[K,R,S,C], y[N,P,Q,K].
    Taps(const Shape& x, const Shape& w, const Shape& y, int64_t stride, int64_t padding);
    /// Whether the output's maps have at most so many positions, and channels are enough for products.
    static bool gain(const Shape& w, const Shape& y, int64_t largest_map);

    const std::vector<Tap>& list() const { return taps_; }
    int64_t rows_of(const Tap& tap) const { return y_[0] * tap.of_image; }
    int64_t total_rows() const { return total_; }
    int64_t most_rows() const;
    /// The tap's rows one after the other, in float32 or rounded to bf16; on all threads.
    void copy_x(const Tap& tap, const TapsOperand& x, float* rows) const;
    void copy_y(const Tap& tap, const TapsOperand& y, float* rows) const;

  private:
    Shape x_, y_;
    int64_t stride_, padding_, total_ = 0;
    std::vector<Tap> taps_;
};

/// y += x
void add_row(const float* x, int64_t n, float* y);

/// Memory for so many elements, float32 or bf16, in floats; a multiple of 64 bytes.
inline int64_t room_for(int64_t elements, bool half) { return ((half ? (elements + 1) / 2 : elements) + 15) / 16 * 16; }

/// The convolution itself; null where it gains nothing.
std::unique_ptr<CompiledOperation> compile_taps(const Program& program, const Convolution& op,
                                                const OperationSetting& setting);

}  // namespace adaq::cpu
