// The three directions in which a convolution is computed.
#pragma once

#include <string>

namespace adaq {

enum class Direction { forward, data, weights };

inline std::string to_string(Direction direction) {
    if (direction == Direction::forward) return "forward";
    return direction == Direction::data ? "data" : "weights";
}

}  // namespace adaq
