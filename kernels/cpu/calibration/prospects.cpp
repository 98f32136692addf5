// See prospects.h.
#include "kernels/cpu/calibration/prospects.h"

#include <omp.h>

#include <algorithm>
#include <cmath>

#include "kernels/cpu/vectorise.h"

namespace adaq::cpu {
namespace {

/// The bound is not added up as the score is: nothing is rejected for a difference as small as this.
constexpr double kSlack = 1e-6;

struct Group {
    Grid grid;
    bool zero_centred;
    float min, max;
    float noise;  // of rounding, per s^p: N / ((p + 1) 2^p)
    Power p;
};

ADAQ_WIDE_VECTORS
void look(const Group& group, const float* lo, const float* hi, int64_t count, float* scale, float* zero_point,
          double* bound, double* guess) {
    const Grid grid = group.grid;
    const float qmin = grid.qmin(), qmax = grid.qmax();
    const float min = group.min, max = group.max;
    const float keep_zero_point = group.zero_centred ? 0.0f : 1.0f;
    const Power p = group.p;
    const double noise = group.noise;
    for (int64_t i = 0; i < count; ++i) {
        scale[i] = scale_zero_of_range(lo[i], hi[i], grid).scale;
        zero_point[i] = scale_zero_of_range(lo[i], hi[i], grid).zero_point * keep_zero_point;
    }
    for (int64_t i = 0; i < count; ++i) {
        const float below = std::fabs(fake_quantise(min, scale[i], zero_point[i], qmin, qmax) - min);
        const float above = std::fabs(fake_quantise(max, scale[i], zero_point[i], qmin, qmax) - max);
        bound[i] = power(below, p) + power(above, p);
    }
    for (int64_t i = 0; i < count; ++i) guess[i] = bound[i] + noise * power(scale[i], p);
}

}  // namespace

Quantiser Prospects::quantiser(int64_t candidate) const {
    return {scale[candidate], zero_point[candidate], grid.qmin(), grid.qmax()};
}

Prospects prospects_of(const RangeSearch& search, int64_t group, MinMax extremes, int64_t elements) {
    const size_t count = search.candidates;
    Prospects prospects{std::vector<float>(count), std::vector<float>(count), std::vector<double>(count),
                        std::vector<double>(count), search.grid};
    const double noise = static_cast<double>(elements) / ((search.p + 1.0) * std::pow(2.0, search.p));
    const size_t first = group * count;
    look({search.grid, search.zero_centred, extremes.min, extremes.max, static_cast<float>(noise), Power(search.p)},
         search.lo.data() + first, search.hi.data() + first, search.candidates, prospects.scale.data(),
         prospects.zero_point.data(), prospects.bound.data(), prospects.guess.data());
    if (elements == 1) {  // both ends are the one element
        for (double& bound : prospects.bound) bound *= 0.5;
    }
    return prospects;
}

std::vector<BestRange> contenders(const Prospects& prospects, double margin, bool parallel, const Score& score) {
    const auto smallest_guess = std::min_element(prospects.guess.begin(), prospects.guess.end());
    const int64_t start = smallest_guess - prospects.guess.begin();
    double best = score(start, INFINITY);
    std::vector<BestRange> scored{{start, best}};
    const auto limit = [&] { return best * (1.0 + margin); };
    const auto hopeless = [&](int64_t c) { return prospects.bound[c] * (1.0 - kSlack) > limit(); };

    std::vector<int64_t> open;
    for (int64_t c = 0; c < static_cast<int64_t>(prospects.guess.size()); ++c) {
        if (c != start && !hopeless(c)) open.push_back(c);
    }
    const auto guess = [&](int64_t c) { return prospects.guess[c]; };
    std::stable_sort(open.begin(), open.end(), [&](int64_t a, int64_t b) { return guess(a) < guess(b); });

    // Candidates go in rounds: within one the threads know the best score of the rounds before. The first ones, with
    // the best guesses, settle most of it, so rounds grow. What is kept depends on the scores alone, not on the rounds.
    const size_t threads = parallel ? omp_get_max_threads() : 1;
    size_t round = parallel ? 4 * threads : 1;
    std::vector<double> scores;
    for (size_t first = 0; first < open.size(); first += scores.size()) {
        scores.assign(std::min(round, open.size() - first), INFINITY);
#pragma omp parallel for schedule(dynamic) if (parallel)
        for (size_t i = 0; i < scores.size(); ++i) {
            if (!hopeless(open[first + i])) scores[i] = score(open[first + i], limit());
        }
        for (size_t i = 0; i < scores.size(); ++i) {
            if (scores[i] <= limit()) scored.push_back({open[first + i], scores[i]});
            best = std::min(best, scores[i]);
        }
        if (parallel) round = std::min(2 * round, 128 * threads);
    }
    std::erase_if(scored, [&](const BestRange& s) { return s.score > limit(); });
    return scored;
}

BestRange first_smallest(std::span<const BestRange> scored) {
    return *std::min_element(scored.begin(), scored.end(), [](const BestRange& a, const BestRange& b) {
        return a.score != b.score ? a.score < b.score : a.candidate < b.candidate;
    });
}

}  // namespace adaq::cpu
