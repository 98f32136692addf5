// Calibration on the reference device: the plainest correct loops, exhaustive searches, one thread. What every other
// device's calibration is tested against. Values are float32 numbers held in double; the quantiser's own arithmetic
// stays float32 (engine/grid.h), errors and scores are float64.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "engine/program/device.h"

namespace adaq::reference {

/// x is [groups, x.size() / groups]. NaN anywhere in a group makes both of its ends NaN.
std::vector<MinMax> min_max(std::span<const double> x, int64_t groups);

/// x of each group sorted ascending, at the given ranks (0-based): [groups][ranks]. x has no NaN.
std::vector<float> order_statistics(std::span<const double> x, int64_t groups, std::span<const int64_t> ranks);

/// The candidate of each group with the strictly smallest sum |x-hat - x|^p, the first of equals; with search.joint one
/// candidate for all groups, by the sum over all of them. search.lo and search.hi are [groups][candidates].
std::vector<BestRange> best_range(std::span<const double> x, int64_t groups, const RangeSearch& search);

}  // namespace adaq::reference
