// What is done to a sum before it is handed on: nothing, or a clamp.
#pragma once

#include <limits>

namespace adaq {

/// ReLU is the clamp to [0, infinity), ReLU6 that to [0, 6]. The gradient is 1 strictly inside, 0 at the edges and
/// outside.
class Activation {
  public:
    /// None.
    constexpr Activation() = default;
    static constexpr Activation none() { return {}; }
    static constexpr Activation clamp(float lowest, float highest) { return Activation(lowest, highest); }
    static constexpr Activation relu() { return clamp(0.0f, std::numeric_limits<float>::infinity()); }

    constexpr bool is_relu() const { return *this == relu(); }
    constexpr explicit operator bool() const { return clamps_; }
    constexpr float lowest() const { return lowest_; }
    constexpr float highest() const { return highest_; }
    constexpr bool operator==(const Activation&) const = default;

  private:
    constexpr Activation(float lowest, float highest) : clamps_(true), lowest_(lowest), highest_(highest) {}

    bool clamps_ = false;
    float lowest_ = -std::numeric_limits<float>::infinity(), highest_ = std::numeric_limits<float>::infinity();
};

}  // namespace adaq
