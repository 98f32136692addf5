// How values are spread, as plain data for reports.
#pragma once

#include <cstdint>
#include <vector>

namespace adaq {

/// Counts of values in bins of equal width over [lo, hi]; the last bin includes hi. No bins: nothing was recorded.
struct Histogram {
    double lo = 0.0, hi = 0.0;
    std::vector<int64_t> counts;
};

struct Spread {
    double min = 0.0, median = 0.0, max = 0.0;
};

}  // namespace adaq
