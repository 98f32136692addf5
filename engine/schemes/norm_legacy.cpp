// norm-legacy, the first version of norm, kept because its results are published: the ends walk inwards one order
// statistic at a time, each alone and both together; scored as norm is. Two-sided data only.
#include "engine/schemes/order_candidates.h"
#include "engine/schemes/search.h"

namespace adaq {

ChosenRange choose_norm_legacy(const SchemeInput& input) {
    const int64_t n = input.elements;
    const int64_t rows = input.groups == 1 ? n : input.groups;
    const int64_t turns = static_cast<int64_t>(static_cast<double>(rows + 1) * 0.001) + 10;
    std::vector<RankPair> pairs;
    const auto add = [&](int64_t low, int64_t high) {
        if (low < high) pairs.push_back({low, high});
    };
    for (int64_t t = 1; t < turns; ++t) {
        add(t - 1, n - t - 1);
        add(t, n - t);
        add(t, n - t - 1);
    }
    return search(input, order_candidates(input, pairs), input.p, Scoring::joint);
}

}  // namespace adaq
