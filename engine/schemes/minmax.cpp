// minmax: the smallest to the largest value; with --symmetric that is absmax.
#include "engine/schemes/search.h"

namespace adaq {

ChosenRange choose_minmax(const SchemeInput& input) {
    return input.symmetric ? choose_absmax(input) : fixed_range(input.grid, input.extremes, false);
}

}  // namespace adaq
