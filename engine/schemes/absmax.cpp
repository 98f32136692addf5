// absmax: two-sided +-max|x| with z = 0, so s = 2 max|x| / (2^n - 1); one-sided 0 ... max.
#include <cmath>

#include "engine/schemes/search.h"

namespace adaq {

ChosenRange choose_absmax(const SchemeInput& input) {
    std::vector<MinMax> ranges = input.extremes;
    for (MinMax& range : ranges) {
        range.max = std::max(std::fabs(range.min), std::fabs(range.max));
        range.min = input.grid.one_sided ? 0.0f : -range.max;
    }
    return fixed_range(input.grid, ranges, true);
}

}  // namespace adaq
