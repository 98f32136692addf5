// norm: candidates are (min, max), then pairs of order statistics that walk inwards from both ends; every group moves
// to the same candidate, the one whose sum of |x-hat - x|^p over the whole tensor is smallest.
#include <algorithm>

#include "engine/schemes/order_candidates.h"
#include "engine/schemes/search.h"

namespace adaq {
namespace {

/// torch.linspace in float32: counted from the start in the first half, from the end in the second.
std::vector<float> linspace(float start, float end, int64_t count) {
    std::vector<float> values(count);
    const float spacing = (end - start) / static_cast<float>(count - 1);
    for (int64_t i = 0; i < count; ++i) {
        values[i] =
            i < count / 2 ? start + spacing * static_cast<float>(i) : end - spacing * static_cast<float>(count - 1 - i);
    }
    return values;
}

/// unique(int(linspace / 100 * n)), ascending, all in float32.
std::vector<int64_t> percentile_ranks(float start, float end, int64_t count, int64_t n) {
    std::vector<int64_t> ranks;
    for (float percent : linspace(start, end, count)) {
        ranks.push_back(static_cast<int64_t>(percent / 100.0f * static_cast<float>(n)));
    }
    std::sort(ranks.begin(), ranks.end());
    ranks.erase(std::unique(ranks.begin(), ranks.end()), ranks.end());
    return ranks;
}

/// Few elements: the i-th smallest with the i-th largest.
std::vector<RankPair> outermost_pairs(int64_t n) {
    std::vector<RankPair> pairs;
    for (int64_t i = 0; i < std::min<int64_t>(32, n / 2); ++i) pairs.push_back({i, n - 1 - i});
    return pairs;
}

/// Many elements: percentiles 0 ... 0.1 with 99.9 ... 100, the longer list cut to the shorter.
std::vector<RankPair> percentile_pairs(int64_t n, int64_t count) {
    // 99.9999999 is 100 in float32, so the last of these is n; where float32 rounds n itself up it would be beyond.
    const std::vector<int64_t> low = percentile_ranks(0.0f, 0.1f, count, n);
    const std::vector<int64_t> high = percentile_ranks(99.9f, 99.9999999f, count, n);
    std::vector<RankPair> pairs;
    for (size_t i = 0; i < std::min(low.size(), high.size()); ++i) {
        pairs.push_back({std::min(low[i], n - 1), std::clamp<int64_t>(high[i] - 1, 0, n - 1)});
    }
    return pairs;
}

}  // namespace

ChosenRange choose_norm(const SchemeInput& input) {
    const auto k = static_cast<int64_t>(static_cast<double>(input.elements) * 1e-5);
    const std::vector<RankPair> pairs =
        k > 32 ? percentile_pairs(input.elements, input.grid.one_sided ? 2 * k : k) : outermost_pairs(input.elements);
    return search(input, order_candidates(input, pairs), input.p, Scoring::joint);
}

}  // namespace adaq
