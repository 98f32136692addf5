// Range search: which of many candidate ranges loses least. Few candidates, or groups that move together, are scored
// one and all; many candidates are searched by a method that fits the size of the group.
#include <omp.h>

#include "engine/error.h"
#include "kernels/cpu/calibration/calibration.h"
#include "kernels/cpu/calibration/error_sum.h"
#include "kernels/cpu/calibration/group_search.h"

namespace adaq::cpu {
namespace {

constexpr int64_t kFewCandidates = 64;
constexpr int64_t kLargeGroup = 1 << 18;  // elements from which cells are worth making
constexpr int64_t kSplitGroup = 1 << 13;  // elements from which one candidate's score is worth a thread's while

std::vector<Quantiser> quantisers_of(const RangeSearch& search) {
    std::vector<Quantiser> quantisers(search.lo.size());
#pragma omp parallel for schedule(static)
    for (size_t i = 0; i < quantisers.size(); ++i) {
        quantisers[i] = quantiser_of_range(search.lo[i], search.hi[i], search.grid, search.zero_centred);
    }
    return quantisers;
}

BestRange smallest(std::span<const double> scores) {
    BestRange best{0, scores[0]};
    for (size_t c = 1; c < scores.size(); ++c) {
        if (scores[c] < best.score) best = {static_cast<int64_t>(c), scores[c]};
    }
    return best;
}

std::vector<BestRange> best_together(std::span<const double> scores, int64_t groups, size_t candidates) {
    std::vector<double> total(candidates, 0.0);
    for (size_t i = 0; i < scores.size(); ++i) total[i % candidates] += scores[i];
    return std::vector<BestRange>(groups, smallest(total));
}

std::vector<BestRange> best_of_each(std::span<const double> scores, int64_t groups, size_t candidates) {
    std::vector<BestRange> best;
    for (int64_t group = 0; group < groups; ++group) {
        best.push_back(smallest(scores.subspan(group * candidates, candidates)));
    }
    return best;
}

std::vector<BestRange> search_all(std::span<const float> x, int64_t groups, const RangeSearch& search) {
    const std::vector<double> scores = exhaustive_scores(x, groups, quantisers_of(search), Power(search.p));
    const size_t candidates = search.candidates;
    return search.joint ? best_together(scores, groups, candidates) : best_of_each(scores, groups, candidates);
}

/// Threads share out the groups where there are enough of them or they are small, else the candidates within a group.
std::vector<BestRange> search_groups(std::span<const float> x, int64_t groups, const RangeSearch& search) {
    const auto elements = static_cast<int64_t>(x.size()) / groups;
    const bool large = elements >= kLargeGroup;
    const bool by_group = !large && (elements < kSplitGroup || groups >= int64_t{4} * omp_get_max_threads());
    std::vector<BestRange> best(groups);
#pragma omp parallel for schedule(dynamic) if (by_group && groups > 1)
    for (int64_t group = 0; group < groups; ++group) {
        const auto of_group = x.subspan(group * elements, elements);
        best[group] = large ? cell_search(of_group, group, search) : sorted_search(of_group, group, !by_group, search);
    }
    return best;
}

}  // namespace

std::vector<BestRange> best_range(std::span<const float> x, int64_t groups, const RangeSearch& search) {
    require(search.candidates > 0 && std::ssize(search.lo) == groups * search.candidates &&
                search.hi.size() == search.lo.size(),
            "best_range: {} lower and {} upper ends for {} groups of {} candidates", search.lo.size(), search.hi.size(),
            groups, search.candidates);
    const bool together = search.joint && groups > 1;
    return together || search.candidates <= kFewCandidates ? search_all(x, groups, search)
                                                           : search_groups(x, groups, search);
}

}  // namespace adaq::cpu
