// How many elements a tensor may have within one operation, for devices whose kernels count elements in 32 bits.
#pragma once

#include "engine/device.h"

namespace adaq {

/// A signed 32-bit index reaches every element, and as far behind the last one as a block's tile does.
inline constexpr int64_t kMostElements = (int64_t{1} << 31) - (int64_t{1} << 20);

/// Throws DataError that names the first operation with a tensor of more than `most` elements. Caches of which an
/// operation reads single rows may have more: what Gather reads, and targets and weights of losses.
void check_elements(const Program& program, int64_t most);

}  // namespace adaq
