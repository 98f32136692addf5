// An activation as a oneDNN primitive multiplies it: NHWC, in float32 as it is; or in bf16 and any layout, as it is
// where it is stored so (halves.h) in NHWC, else after a pass before the primitive (4 or 2 bytes read and 2 written an
// element).
#pragma once

#include <oneapi/dnnl/dnnl.hpp>

#include "engine/bf16.h"
#include "engine/device.h"

namespace adaq::cpu {

inline dnnl::memory::data_type operand_type(Math math) {
    return math == Math::bf16 ? dnnl::memory::data_type::bf16 : dnnl::memory::data_type::f32;
}

/// bf16(x[i]) at y, on all threads.
void round_to_bf16(const float* x, int64_t count, void* y);

/// The same in the thread that calls.
void round_row_to_bf16(const float* x, int64_t count, bf16* y);

/// Values as bf16 holds them, still in float32.
void round_in_place(int64_t count, float* x);

/// The same of x, or what x stores as bf16.
void rounded_values(const float* x, bool stored_half, int64_t count, float* y);

/// y[i] = x[i] in the thread that calls.
void widen_row(const bf16* x, int64_t count, float* y);

class RoundedOperand {
  public:
    RoundedOperand(const dnnl::memory::desc& layout, int64_t count, Math math, bool stored_half);
    RoundedOperand(RoundedOperand&&) = default;  // a copy would share what place() moves
    /// What place() needs of the scratch memory, a multiple of 64 bytes.
    int64_t scratch_floats() const {
        return copied_ ? (static_cast<int64_t>(memory_.get_desc().get_size()) + 63) / 64 * 16 : 0;
    }
    /// Points the primitive's argument at the values, or at their rounded copy in the scratch memory.
    void place(float* values, float* scratch);
    const dnnl::memory& memory() const { return memory_; }

  private:
    int64_t count_;
    bool copied_;                  // to the scratch memory
    dnnl::memory memory_, plain_;  // plain_: NHWC as it is stored
    dnnl::reorder reorder_;        // from plain_, where the layout is not NHWC
};

}  // namespace adaq::cpu
