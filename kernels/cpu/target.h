// Where results go: to a place in float32, or to one in bf16, rounded on the way. Whoever computes works in float32; a
// piece at a time passes through a buffer in the first-level cache, so that rounding is no pass over memory of its own.
#pragma once

#include <cstdint>

#include "kernels/cpu/bf16_rows.h"

namespace adaq::cpu {

class Target {
  public:
    Target(float* values) : values_(values) {}  // NOLINT(google-explicit-constructor)
    Target(bf16* rounded) : rounded_(rounded) {}

    /// Null where results are rounded.
    float* values() const { return values_; }
    bf16* rounded() const { return rounded_; }
    Target operator+(int64_t elements) const {
        return values_ ? Target(values_ + elements) : Target(rounded_ + elements);
    }

  private:
    float* values_ = nullptr;
    bf16* rounded_ = nullptr;
};

/// At most kMost elements of a target while they are computed.
template <int64_t kMost>
class TargetPiece {
  public:
    explicit TargetPiece(Target target) : target_(target) {}
    TargetPiece(const TargetPiece&) = delete;
    TargetPiece& operator=(const TargetPiece&) = delete;

    /// To be written: the place itself, where that is float32.
    float* values() { return target_.values() ? target_.values() : buffer_; }
    /// When the first `count` are final.
    void store(int64_t count) {
        if (target_.rounded()) round_row_to_bf16(buffer_, count, target_.rounded());
    }

  private:
    Target target_;
    float buffer_[kMost];
};

}  // namespace adaq::cpu
