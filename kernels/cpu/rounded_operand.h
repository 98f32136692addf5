// An activation as a oneDNN primitive multiplies it, NHWC: in float32, or in bf16, as it is where it is stored so
// (engine/program/bf16_storage.h), else rounded (4 bytes read and 2 written an element, a pass before the primitive).
#pragma once

#include <oneapi/dnnl/dnnl.hpp>

#include "engine/program/device.h"
#include "kernels/cpu/bf16_rows.h"
#include "kernels/cpu/onednn.h"

namespace adaq::cpu {

inline dnnl::memory::data_type operand_type(Math math) {
    return math == Math::bf16 ? dnnl::memory::data_type::bf16 : dnnl::memory::data_type::f32;
}

class RoundedOperand {
  public:
    /// layout: NHWC, of the type that `math` multiplies.
    RoundedOperand(const dnnl::memory::desc& layout, int64_t count, Math math, bool stored_half)
        : count_(count), copied_(math == Math::bf16 && !stored_half), memory_(layout, engine(), nullptr) {}
    RoundedOperand(RoundedOperand&&) = default;  // a copy would share what place() moves
    /// What place() needs of the scratch memory, a multiple of 64 bytes.
    int64_t scratch_floats() const { return copied_ ? floats_of(memory_.get_desc()) : 0; }
    /// Points the primitive's argument at the values, or at their rounded copy in the scratch memory.
    void place(float* values, float* scratch) {
        memory_.set_data_handle(copied_ ? scratch : values);
        if (copied_) round_to_bf16(values, count_, scratch);
    }
    const dnnl::memory& memory() const { return memory_; }

  private:
    int64_t count_;
    bool copied_;  // to the scratch memory
    dnnl::memory memory_;
};

}  // namespace adaq::cpu
