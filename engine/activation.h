// What is done to a sum before it is handed on: nothing, or a clamp.
#pragma once

#include <limits>

namespace adaq {

/// A graph's activations have no bounds beyond it, in size.
constexpr double kMostActivationBound = 1e6;

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
    /// Whether there is an upper limit: the gradient at infinity passes where there is none.
    constexpr bool limited() const { return highest_ < std::numeric_limits<float>::infinity(); }
    /// NaN passes.
    template <typename Float>
    constexpr Float operator()(Float v) const {
        v = v < static_cast<Float>(lowest_) ? static_cast<Float>(lowest_) : v;
        return v > static_cast<Float>(highest_) ? static_cast<Float>(highest_) : v;
    }
    /// Whether the gradient passes where the output is v.
    template <typename Float>
    constexpr bool passes(Float v) const {
        return !clamps_ || (v > static_cast<Float>(lowest_) && (!limited() || v < static_cast<Float>(highest_)));
    }
    constexpr bool operator==(const Activation&) const = default;

  private:
    constexpr Activation(float lowest, float highest) : clamps_(true), lowest_(lowest), highest_(highest) {}

    bool clamps_ = false;
    float lowest_ = -std::numeric_limits<float>::infinity(), highest_ = std::numeric_limits<float>::infinity();
};

}  // namespace adaq
