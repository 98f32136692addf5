// See group_search.h.
#include "kernels/cpu/calibration/group_search.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <unordered_set>
#include <vector>

#include "kernels/cpu/calibration/calibration.h"
#include "kernels/cpu/calibration/cell_score.h"
#include "kernels/cpu/calibration/prospects.h"

namespace adaq::cpu {
namespace {

/// Partial sums of nonnegative terms: once above the limit, the whole is.
double score_from_ends(std::span<const float> sorted, Quantiser quantiser, Power p, double limit) {
    size_t block = 128;
    double sum = 0.0;
    for (bool low_end = true; !sorted.empty() && sum <= limit; low_end = !low_end) {
        const size_t count = std::min(block, sorted.size());
        sum += error_sum(low_end ? sorted.first(count) : sorted.last(count), quantiser, p);
        sorted = low_end ? sorted.subspan(count) : sorted.first(sorted.size() - count);
        if (!low_end) block = std::min<size_t>(2 * block, 1024);
    }
    return sum;
}

constexpr double kTolerance = 2e-7;  // relative error that the series may have
constexpr double kNearTie = 1e-6;    // scores so close are settled element by element
constexpr float kRatio = 4.0f, kSaferRatio = 12.0f;

/// Scores on cells, with more distance from the levels where the series alone is not certain enough.
double certain_score(const Cells& cells, Quantiser quantiser, Power p, double limit) {
    for (float ratio : {kRatio, kSaferRatio}) {
        const CellScore score = score_cells(cells, quantiser, p, ratio, limit);
        if (score.sum > limit || score.error <= kTolerance * score.sum) return score.sum;
    }
    return error_sum(cells.elements, quantiser, p);
}

/// Candidates that come to the same scale and zero point as an earlier one cannot win: no score will be asked for.
void strike_out_repeats(Prospects& prospects) {
    std::unordered_set<uint64_t> seen;
    for (size_t c = 0; c < prospects.scale.size(); ++c) {
        const auto scale = std::bit_cast<uint32_t>(prospects.scale[c]);
        const auto zero_point = std::bit_cast<uint32_t>(prospects.zero_point[c] + 0.0f);
        if (seen.insert(uint64_t{scale} << 32 | zero_point).second) continue;
        prospects.bound[c] = prospects.guess[c] = INFINITY;
    }
}

}  // namespace

BestRange sorted_search(std::span<const float> x, int64_t group, bool parallel, const RangeSearch& search) {
    std::vector<float> sorted(x.begin(), x.end());
    std::sort(sorted.begin(), sorted.end());
    const MinMax extremes{sorted.front(), sorted.back()};
    const Prospects prospects = prospects_of(search, group, extremes, static_cast<int64_t>(x.size()));
    const Power p(search.p);
    return first_smallest(contenders(prospects, 0.0, parallel, [&](int64_t candidate, double limit) {
        return score_from_ends(sorted, prospects.quantiser(candidate), p, limit);
    }));
}

BestRange cell_search(std::span<const float> x, int64_t group, const RangeSearch& search) {
    const MinMax extremes = min_max(x, 1).front();
    const Power p(search.p);
    const Cells cells = make_cells(x, extremes, p);
    Prospects prospects = prospects_of(search, group, extremes, static_cast<int64_t>(cells.elements.size()));
    strike_out_repeats(prospects);
    std::vector<BestRange> close = contenders(prospects, kNearTie, true, [&](int64_t candidate, double limit) {
        return certain_score(cells, prospects.quantiser(candidate), p, limit);
    });

    std::vector<Quantiser> quantisers;
    for (const BestRange& contender : close) quantisers.push_back(prospects.quantiser(contender.candidate));
    const std::vector<double> scores = exhaustive_scores(x, 1, quantisers, p);
    for (size_t i = 0; i < close.size(); ++i) close[i].score = scores[i];
    return first_smallest(close);
}

}  // namespace adaq::cpu
