// What a device can hold and compute: published before anything is compiled, so that a program that is too large for it
// is refused by the name of its operation.
#pragma once

#include <cstdint>
#include <limits>

namespace adaq {

class Program;

/// A signed 32-bit index reaches every element, and as far behind the last one as a block's tile does.
inline constexpr int64_t kMostElements = (int64_t{1} << 31) - (int64_t{1} << 20);

struct DeviceLimits {
    static constexpr int64_t kNoLimit = std::numeric_limits<int64_t>::max();

    /// Of all temporaries together, and elements of a tensor within an operation. A program of inference beyond them is
    /// cut into pieces (pieces.h); caches of which an operation reads single rows may have more elements.
    int64_t temporary_bytes = kNoLimit, elements = kNoLimit;
    int64_t pooling_window = kNoLimit;      // a side
    int64_t convolution_stride = kNoLimit;  // of a convolution whose gradient to data is computed
    int64_t losses = kNoLimit;              // that BeginIteration looks at
};

/// Throws DataError that names the first operation beyond a limit.
void check_limits(const Program& program, const DeviceLimits& limits);

}  // namespace adaq
