// Range search: which of many candidate ranges loses least.
#include "engine/error.h"
#include "kernels/cpu/calibration/calibration.h"
#include "kernels/cpu/calibration/exhaustive.h"

namespace adaq::cpu {
namespace {

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
    return std::vector<BestRange>(static_cast<size_t>(groups), smallest(total));
}

std::vector<BestRange> best_of_each(std::span<const double> scores, int64_t groups, size_t candidates) {
    std::vector<BestRange> best;
    for (size_t group = 0; group < static_cast<size_t>(groups); ++group) {
        best.push_back(smallest(scores.subspan(group * candidates, candidates)));
    }
    return best;
}

}  // namespace

std::vector<BestRange> best_range(std::span<const float> x, int64_t groups, const RangeSearch& search) {
    require(search.candidates > 0 && search.lo.size() == static_cast<size_t>(groups * search.candidates) &&
                search.hi.size() == search.lo.size(),
            "best_range: {} lower and {} upper ends for {} groups of {} candidates", search.lo.size(), search.hi.size(),
            groups, search.candidates);
    const std::vector<Quantiser> quantisers = quantisers_of(search);
    const std::vector<double> scores = exhaustive_scores(x, groups, quantisers, Power(search.p));
    const auto candidates = static_cast<size_t>(search.candidates);
    return search.joint ? best_together(scores, groups, candidates) : best_of_each(scores, groups, candidates);
}

}  // namespace adaq::cpu
