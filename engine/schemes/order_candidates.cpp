// See order_candidates.h.
#include "engine/schemes/order_candidates.h"

#include <algorithm>

namespace adaq {
namespace {

/// All ranks that the pairs speak of, ascending, each once.
std::vector<int64_t> needed_ranks(const std::vector<RankPair>& pairs, bool high_only) {
    std::vector<int64_t> ranks;
    for (const RankPair& pair : pairs) {
        if (!high_only) ranks.push_back(pair.low);
        ranks.push_back(pair.high);
    }
    std::sort(ranks.begin(), ranks.end());
    ranks.erase(std::unique(ranks.begin(), ranks.end()), ranks.end());
    return ranks;
}

}  // namespace

Candidates order_candidates(const SchemeInput& input, const std::vector<RankPair>& pairs) {
    const bool high_only = input.grid.one_sided;
    const std::vector<int64_t> ranks = needed_ranks(pairs, high_only);
    std::vector<float> values;
    if (!ranks.empty()) values = input.device.order_statistics(input.x, input.groups, ranks);
    const auto at = [&](int64_t group, int64_t rank) {
        const auto position = std::lower_bound(ranks.begin(), ranks.end(), rank) - ranks.begin();
        return values[group * std::ssize(ranks) + position];
    };

    Candidates candidates(input.groups, 1 + std::ssize(pairs));
    for (int64_t group = 0; group < input.groups; ++group) {
        const MinMax& range = input.extremes[group];
        candidates.set(group, 0, range.min, range.max);
        for (size_t i = 0; i < pairs.size(); ++i) {
            const float lo = high_only ? range.min : at(group, pairs[i].low);
            candidates.set(group, 1 + static_cast<int64_t>(i), lo, at(group, pairs[i].high));
        }
    }
    return candidates;
}

}  // namespace adaq
