// orgnorm, the full two-dimensional search (QDrop, PD-Quant): 100 widths times every zero point, each group by itself,
// in the 2.4th power. At 8 bits that is 25,600 candidates; the device prunes them
// (kernels/cpu/calibration/prospects.h). One-sided data has its zero point at 0, which leaves the 100 widths.
#include <algorithm>

#include "engine/schemes/search.h"

namespace adaq {
namespace {

constexpr int kWidths = 100;
constexpr double kPower = 2.4;

void add_one_sided(Candidates& candidates, int64_t group, float hi) {
    for (int i = 1; i <= kWidths; ++i) candidates.set(group, i - 1, 0.0f, hi / 100.0f * static_cast<float>(i));
}

void add_two_sided(Candidates& candidates, int64_t group, float lo, float hi, int highest) {
    int64_t candidate = 0;
    for (int i = 1; i <= kWidths; ++i) {
        const float top = (hi - lo) / 100.0f * static_cast<float>(i);
        const float scale = top / static_cast<float>(highest);
        for (int zero_point = 0; zero_point <= highest; ++zero_point) {
            const float below = static_cast<float>(zero_point) * scale;
            candidates.set(group, candidate++, -below, top - below);
        }
    }
}

}  // namespace

ChosenRange choose_orgnorm(const SchemeInput& input) {
    const int highest = static_cast<int>(input.grid.qmax() - input.grid.qmin());  // of codes from 0
    Candidates candidates(input.groups, input.grid.one_sided ? kWidths : int64_t{kWidths} * (highest + 1));
    for (int64_t group = 0; group < input.groups; ++group) {
        const MinMax& range = input.extremes[group];
        const float lo = std::min(range.min, 0.0f), hi = std::max(range.max, 0.0f);
        if (input.grid.one_sided) {
            add_one_sided(candidates, group, hi);
        } else {
            add_two_sided(candidates, group, lo, hi, highest);
        }
    }
    return search(input, std::move(candidates), kPower, Scoring::by_group);
}

}  // namespace adaq
