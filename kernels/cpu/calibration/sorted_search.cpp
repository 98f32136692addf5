// See sorted_search.h.
#include "kernels/cpu/calibration/sorted_search.h"

#include <algorithm>
#include <vector>

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

}  // namespace adaq::cpu
