// See calibration.h.
#include "kernels/reference/calibration.h"

#include <algorithm>
#include <cmath>

#include "engine/error.h"

namespace adaq::reference {
namespace {

std::span<const double> group_of(std::span<const double> x, int64_t groups, int64_t group) {
    const size_t elements = x.size() / groups;
    return x.subspan(group * elements, elements);
}

double score(std::span<const double> x, ScaleZero quantiser, Grid grid, double p) {
    double sum = 0.0;
    for (double value : x) {
        const float quantised =
            fake_quantise(static_cast<float>(value), quantiser.scale, quantiser.zero_point, grid.qmin(), grid.qmax());
        sum += std::pow(std::fabs(static_cast<double>(quantised) - value), p);
    }
    return sum;
}

void keep_better(BestRange& best, int64_t candidate, double candidate_score) {
    if (candidate == 0 || candidate_score < best.score) best = {candidate, candidate_score};
}

}  // namespace

std::vector<MinMax> min_max(std::span<const double> x, int64_t groups) {
    std::vector<MinMax> result;
    for (int64_t group = 0; group < groups; ++group) {
        const std::span<const double> values = group_of(x, groups, group);
        double lo = values[0], hi = values[0];
        for (double value : values) {
            if (std::isnan(value)) lo = hi = value;
            if (value < lo) lo = value;
            if (value > hi) hi = value;
        }
        result.push_back({static_cast<float>(lo), static_cast<float>(hi)});
    }
    return result;
}

std::vector<float> order_statistics(std::span<const double> x, int64_t groups, std::span<const int64_t> ranks) {
    check_ranks(ranks, static_cast<int64_t>(x.size()) / groups);
    std::vector<float> result;
    for (int64_t group = 0; group < groups; ++group) {
        const std::span<const double> values = group_of(x, groups, group);
        std::vector<double> sorted(values.begin(), values.end());
        std::sort(sorted.begin(), sorted.end());
        for (int64_t rank : ranks) result.push_back(static_cast<float>(sorted.at(rank)));
    }
    return result;
}

std::vector<BestRange> best_range(std::span<const double> x, int64_t groups, const RangeSearch& search) {
    require(search.candidates > 0 && std::ssize(search.lo) == groups * search.candidates &&
                search.hi.size() == search.lo.size(),
            "best_range: {} lower and {} upper ends for {} groups of {} candidates", search.lo.size(), search.hi.size(),
            groups, search.candidates);
    std::vector<BestRange> best(groups);
    BestRange together;
    for (int64_t candidate = 0; candidate < search.candidates; ++candidate) {
        double total = 0.0;
        for (int64_t group = 0; group < groups; ++group) {
            const int64_t index = group * search.candidates + candidate;
            ScaleZero quantiser = scale_zero_of_range(search.lo[index], search.hi[index], search.grid);
            if (search.zero_centred) quantiser.zero_point = 0.0f;
            const double group_score = score(group_of(x, groups, group), quantiser, search.grid, search.p);
            keep_better(best[group], candidate, group_score);
            total += group_score;
        }
        keep_better(together, candidate, total);
    }
    if (search.joint) std::fill(best.begin(), best.end(), together);
    return best;
}

}  // namespace adaq::reference
