// Calibration on a CPU: extremes, order statistics and range searches over float32 tensors of any size, on
// omp_get_max_threads() threads. Results do not depend on the number of threads.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "engine/program/device.h"

namespace adaq::cpu {

/// x is [groups, x.size() / groups]. NaN anywhere in a group makes both of its ends NaN.
std::vector<MinMax> min_max(std::span<const float> x, int64_t groups);

/// x of each group sorted ascending, at the given ranks (0-based, ascending): [groups][ranks]. x has no NaN.
std::vector<float> order_statistics(std::span<const float> x, int64_t groups, std::span<const int64_t> ranks);

/// The candidate of each group with the smallest sum |x-hat - x|^p, the first of equals, or one whose sum is within a
/// factor 1 + 1e-6 of it; with search.joint one candidate for all groups. search.lo, search.hi: [groups][candidates].
std::vector<BestRange> best_range(std::span<const float> x, int64_t groups, const RangeSearch& search);

}  // namespace adaq::cpu
