// An activation as a oneDNN primitive multiplies it: NHWC, in float32 as it is, or rounded to bf16 (4 bytes read and 2
// written an element, a pass before the primitive), then in any layout.
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

class RoundedOperand {
  public:
    RoundedOperand(const dnnl::memory::desc& layout, int64_t count, Math math);
    RoundedOperand(RoundedOperand&&) = default;  // a copy would share what place() moves
    /// What place() needs of the scratch memory, a multiple of 64 bytes.
    int64_t scratch_floats() const {
        return half_ ? (static_cast<int64_t>(memory_.get_desc().get_size()) + 63) / 64 * 16 : 0;
    }
    /// Points the primitive's argument at the values, or at their rounded copy in the scratch memory.
    void place(float* values, float* scratch);
    const dnnl::memory& memory() const { return memory_; }

  private:
    int64_t count_;
    bool half_;
    dnnl::memory memory_, plain_;  // plain_: NHWC in float32
    dnnl::reorder reorder_;        // from plain_, where the layout is not NHWC
};

}  // namespace adaq::cpu
