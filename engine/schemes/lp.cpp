// lp, the search of BRECQ (arXiv 2102.05426): both ends shrink together, (1 - 0.01 i) of (min, max) for i = 0 ... 79,
// and each group takes what loses least in the 2.4th power.
#include "engine/schemes/search.h"

namespace adaq {

ChosenRange choose_lp(const SchemeInput& input) {
    constexpr int64_t kRanges = 80;
    constexpr double kPower = 2.4;
    Candidates candidates(input.groups, kRanges);
    for (int64_t group = 0; group < input.groups; ++group) {
        const auto [lo, hi] = input.extremes[group];
        for (int64_t i = 0; i < kRanges; ++i) {
            const auto shrink = static_cast<float>(1.0 - 0.01 * static_cast<double>(i));
            candidates.set(group, i, lo * shrink, hi * shrink);
        }
    }
    return search(input, std::move(candidates), kPower, Scoring::by_group);
}

}  // namespace adaq
