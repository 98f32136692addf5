// What is done to a sum before it is handed on: nothing, or a clamp.
#pragma once

#include <limits>

namespace adaq {

/// ReLU is the clamp to [0, infinity), ReLU6 that to [0, 6]. The gradient is 1 strictly inside, 0 at the edges and
/// outside.
struct Activation {
    bool clamps = false;
    float lowest = 0.0f, highest = 0.0f;

    static constexpr Activation none() { return {}; }
    static constexpr Activation clamp(float lowest, float highest) { return {true, lowest, highest}; }
    static constexpr Activation relu() { return clamp(0.0f, std::numeric_limits<float>::infinity()); }

    bool is_relu() const { return *this == relu(); }
    explicit operator bool() const { return clamps; }
    bool operator==(const Activation&) const = default;
};

}  // namespace adaq
