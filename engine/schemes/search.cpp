// See search.h.
#include "engine/schemes/search.h"

#include <algorithm>
#include <cmath>

namespace adaq {

Candidates::Candidates(int64_t groups, int64_t count) : count_(count), lo_(groups * count), hi_(groups * count) {}

void Candidates::set(int64_t group, int64_t candidate, float lo, float hi) {
    lo_[index(group, candidate)] = lo;
    hi_[index(group, candidate)] = hi;
}

void Candidates::centre() {
    for (size_t i = 0; i < lo_.size(); ++i) {
        hi_[i] = std::max(std::fabs(lo_[i]), std::fabs(hi_[i]));
        lo_[i] = -hi_[i];
    }
}

ChosenRange fixed_range(Grid grid, const std::vector<MinMax>& ranges, bool zero_centred) {
    ChosenRange chosen;
    chosen.grid = grid;
    for (const MinMax& range : ranges) {
        const ScaleZero quantiser = scale_zero_of_range(range.min, range.max, grid);
        chosen.lo.push_back(std::min(range.min, 0.0f));
        chosen.hi.push_back(std::max(range.max, 0.0f));
        chosen.scale.push_back(quantiser.scale);
        chosen.zero_point.push_back(zero_centred ? 0.0f : quantiser.zero_point);
        if (!((chosen.hi.back() - chosen.lo.back()) / (grid.qmax() - grid.qmin()) > 0.0f)) ++chosen.empty_groups;
    }
    return chosen;
}

ChosenRange search(const SchemeInput& input, Candidates candidates, double p, Scoring scoring) {
    if (input.symmetric) candidates.centre();
    const RangeSearch range_search{.grid = input.grid,
                                   .p = p,
                                   .joint = scoring == Scoring::joint,
                                   .zero_centred = input.symmetric,
                                   .candidates = candidates.count(),
                                   .lo = candidates.lo(),
                                   .hi = candidates.hi()};
    const std::vector<BestRange> best = input.device.best_range(input.x, input.groups, range_search);
    std::vector<MinMax> ranges;
    double score = 0.0;
    for (int64_t group = 0; group < input.groups; ++group) {
        const BestRange& winner = best[group];
        ranges.push_back({candidates.lo(group, winner.candidate), candidates.hi(group, winner.candidate)});
        score += winner.score;
    }
    ChosenRange chosen = fixed_range(input.grid, ranges, input.symmetric);
    chosen.score = scoring == Scoring::joint ? best.front().score : score;
    return chosen;
}

}  // namespace adaq
