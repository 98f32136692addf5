// Candidate ranges between order statistics, for `norm` and `norm-legacy`.
#pragma once

#include <cstdint>
#include <vector>

#include "engine/schemes/search.h"

namespace adaq {

/// Ranks (0-based, ascending order) of a candidate's two ends.
struct RankPair {
    int64_t low, high;
};

/// (min, max), then (sorted[low], sorted[high]) of each pair. On a one-sided grid the lower end stays at the minimum.
Candidates order_candidates(const SchemeInput& input, const std::vector<RankPair>& pairs);

}  // namespace adaq
