// Calibration kernels of the cpu against the reference's plain loops and std::pow, and against themselves with another
// number of threads.
#include <doctest/doctest.h>
#include <omp.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "kernels/cpu/calibration/calibration.h"
#include "kernels/cpu/calibration/cell_score.h"
#include "kernels/cpu/calibration/error_sum.h"
#include "kernels/cpu/calibration/power.h"
#include "kernels/reference/calibration.h"
#include "support/scheme_inputs.h"

namespace adaq {
namespace {

std::vector<double> widened(const std::vector<float>& x) { return {x.begin(), x.end()}; }

/// Candidate ranges and the search that holds them.
struct Ranges {
    std::vector<float> lo{}, hi{};
    int64_t candidates = 0;

    RangeSearch search(Grid grid, double p) const {
        return {.grid = grid, .p = p, .candidates = candidates, .lo = lo, .hi = hi};
    }
};

/// `widths` * `shifts` ranges per group: from a few per cent to all of its width, moved up and down.
Ranges make_ranges(const std::vector<float>& x, int64_t groups, int widths, int shifts) {
    Ranges ranges{.candidates = int64_t{widths} * shifts};
    for (const MinMax& extremes : cpu::min_max(x, groups)) {
        const float width = extremes.max - extremes.min;
        for (int w = 1; w <= widths; ++w) {
            for (int s = 0; s < shifts; ++s) {
                const float range = width * static_cast<float>(w) / static_cast<float>(widths);
                ranges.lo.push_back(-range * static_cast<float>(s) / static_cast<float>(shifts));
                ranges.hi.push_back(ranges.lo.back() + range);
            }
        }
    }
    return ranges;
}

std::vector<BestRange> exhaustive(const std::vector<float>& x, int64_t groups, const RangeSearch& search) {
    return reference::best_range(widened(x), groups, search);
}

/// Score of one group under one candidate, by the reference.
double score_of(const std::vector<float>& x, int64_t groups, int64_t group, int64_t candidate, RangeSearch search) {
    const size_t elements = x.size() / static_cast<size_t>(groups);
    const auto first = x.begin() + static_cast<int64_t>(elements) * group;
    const auto index = static_cast<size_t>(group * search.candidates + candidate);
    search.lo = search.lo.subspan(index, 1);
    search.hi = search.hi.subspan(index, 1);
    search.candidates = 1;
    return exhaustive({first, first + static_cast<int64_t>(elements)}, 1, search).front().score;
}

/// The cpu's choice of every group loses at most 1 + 1e-6 times what the best one loses, and its score is true.
void check_against_exhaustive(const std::vector<float>& x, int64_t groups, const RangeSearch& search) {
    const std::vector<BestRange> fast = cpu::best_range(x, groups, search);
    const std::vector<BestRange> slow = exhaustive(x, groups, search);
    REQUIRE(fast.size() == slow.size());
    for (size_t g = 0; g < fast.size(); ++g) {
        CAPTURE(g);
        CHECK(fast[g].score == doctest::Approx(slow[g].score).epsilon(1e-6));
        if (search.joint || fast[g].candidate == slow[g].candidate) continue;
        const double chosen = score_of(x, groups, static_cast<int64_t>(g), fast[g].candidate, search);
        CHECK(chosen <= slow[g].score * (1.0 + 1e-6));
    }
}

/// One large group: the cpu's choice and score are those of its own plain sums (which other tests compare with
/// std::pow).
void check_large(const std::vector<float>& x, const RangeSearch& search) {
    REQUIRE(search.candidates > 64);  // else nothing is searched
    std::vector<cpu::Quantiser> quantisers;
    for (size_t c = 0; c < search.lo.size(); ++c) {
        quantisers.push_back(cpu::quantiser_of_range(search.lo[c], search.hi[c], search.grid, search.zero_centred));
    }
    const std::vector<double> scores = cpu::exhaustive_scores(x, 1, quantisers, cpu::Power(search.p));
    const auto smallest = std::min_element(scores.begin(), scores.end());
    const BestRange best = cpu::best_range(x, 1, search).front();
    CHECK(best.candidate == smallest - scores.begin());
    CHECK(best.score == *smallest);
}

class Threads {
  public:
    explicit Threads(int count) : before_(omp_get_max_threads()) { omp_set_num_threads(count); }
    ~Threads() { omp_set_num_threads(before_); }

  private:
    int before_;
};

bool same(const std::vector<BestRange>& a, const std::vector<BestRange>& b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const BestRange& x, const BestRange& y) {
        return x.candidate == y.candidate && x.score == y.score;
    });
}

}  // namespace

TEST_CASE("the vectorised power is within 7e-7 of std::pow from the smallest normal float up") {
    for (double p : {0.3, 1.0, 2.0, 2.4, 3.7, 8.0, 16.0}) {
        const cpu::Power power(p);
        double worst = 0.0;
        for (double exponent = -60.0; exponent < 40.0; exponent += 0.0037) {
            const auto e = static_cast<float>(std::exp2(exponent));
            worst = std::max(worst, std::fabs(cpu::power(e, power) / std::pow(static_cast<double>(e), p) - 1.0));
        }
        CAPTURE(p);
        CHECK(worst < 7e-7);
        CHECK(cpu::power(0.0f, power) == 0.0);
    }
    CHECK(cpu::power(1e-37f, cpu::Power(2.4)) ==
          doctest::Approx(std::pow(static_cast<double>(1e-37f), 2.4)).epsilon(1e-6));
    CHECK(cpu::power(3e38f, cpu::Power(2.4)) ==
          doctest::Approx(std::pow(static_cast<double>(3e38f), 2.4)).epsilon(1e-6));
}

TEST_CASE("smallest and largest agree with the reference for every length of tail, and NaN and infinity show") {
    for (int64_t elements : {1, 2, 15, 16, 17, 100, 40'000}) {
        const std::vector<float> x = test::scheme_input("heavy", 5, 3, elements);
        const std::vector<MinMax> fast = cpu::min_max(x, 3), slow = reference::min_max(widened(x), 3);
        for (size_t g = 0; g < 3; ++g) {
            CHECK(fast[g].min == slow[g].min);
            CHECK(fast[g].max == slow[g].max);
        }
    }
    for (size_t place : {0u, 7u, 99u, 19'999u, 20'000u, 39'999u}) {
        std::vector<float> x = test::scheme_input("bell", 6, 2, 20'000);
        const size_t group = place / 20'000;
        x[place] = std::numeric_limits<float>::quiet_NaN();
        for (const auto& result : {cpu::min_max(x, 2), reference::min_max(widened(x), 2)}) {
            CHECK(std::isnan(result[group].min));
            CHECK(std::isnan(result[group].max));
            CHECK(std::isfinite(result[1 - group].min));
        }
        x[place] = -std::numeric_limits<float>::infinity();
        CHECK(std::isinf(cpu::min_max(x, 2)[group].min));
    }
}

TEST_CASE("order statistics are those of a full sort, in small and in large groups") {
    for (int64_t elements : {1, 2, 9, 1000, (1 << 20) + 77}) {
        for (const char* kind : {"bell", "relu", "zero"}) {
            const std::vector<float> x = test::scheme_input(kind, 8, 2, elements);
            std::vector<int64_t> ranks{0, 1, 5, elements / 3, elements / 2, elements - 7, elements - 2, elements - 1};
            std::erase_if(ranks, [&](int64_t rank) { return rank < 0 || rank >= elements; });
            std::sort(ranks.begin(), ranks.end());
            CAPTURE(elements);
            CAPTURE(kind);
            CHECK(cpu::order_statistics(x, 2, ranks) == reference::order_statistics(widened(x), 2, ranks));
        }
    }
}

TEST_CASE("few candidates: the cpu's choice is the exhaustive one, by group and together") {
    for (const char* kind : {"bell", "heavy", "constant", "dead"}) {
        const std::vector<float> x = test::scheme_input(kind, 11, 5, 333);
        const Ranges ranges = make_ranges(x, 5, 10, 5);
        for (double p : {1.0, 2.0, 2.4}) {
            RangeSearch search = ranges.search({4, false}, p);
            check_against_exhaustive(x, 5, search);
            search.joint = true;
            check_against_exhaustive(x, 5, search);
            search.zero_centred = true;
            check_against_exhaustive(x, 5, search);
        }
    }
}

TEST_CASE("many candidates: the pruned search gives the exhaustive answer") {
    for (const char* kind : {"bell", "skewed", "heavy", "far", "dead"}) {
        for (int64_t elements : {1, 27, 500}) {
            const std::vector<float> x = test::scheme_input(kind, 12, 3, elements);
            const Ranges ranges = make_ranges(x, 3, 40, 16);
            for (int bits : {2, 4, 8}) check_against_exhaustive(x, 3, ranges.search({bits, false}, 2.4));
        }
    }
}

TEST_CASE("many candidates: one large group with an odd exponent gives the exhaustive answer") {
    const std::vector<float> x = test::scheme_input("heavy", 13, 1, 10'000);
    for (double p : {0.5, 2.0, 5.5}) {
        check_against_exhaustive(x, 1, make_ranges(x, 1, 12, 8).search({4, false}, p));
    }
}

TEST_CASE("of candidates with equal scores the first wins") {
    const std::vector<float> x = test::scheme_input("bell", 14, 2, 400);
    Ranges ranges = make_ranges(x, 2, 20, 8);
    // Twice the same list: every candidate has a twin further on.
    Ranges twice{.candidates = 2 * ranges.candidates};
    for (int64_t g = 0; g < 2; ++g) {
        for (int copy = 0; copy < 2; ++copy) {
            const auto first = g * ranges.candidates, last = first + ranges.candidates;
            twice.lo.insert(twice.lo.end(), ranges.lo.begin() + first, ranges.lo.begin() + last);
            twice.hi.insert(twice.hi.end(), ranges.hi.begin() + first, ranges.hi.begin() + last);
        }
    }
    for (const BestRange& best : cpu::best_range(x, 2, twice.search({4, false}, 2.4))) {
        CHECK(best.candidate < ranges.candidates);
    }
    const std::vector<float> zeros(300, 0.0f);
    ranges = {.lo = std::vector<float>(100, -1.0f), .hi = std::vector<float>(100, 1.0f), .candidates = 100};
    CHECK(cpu::best_range(zeros, 1, ranges.search({4, false}, 2.4)).front().candidate == 0);
}

TEST_CASE("a score on cells is the elements' score to within the error that it states") {
    const std::vector<float> x = test::scheme_input("skewed", 21, 1, 50'000);
    for (double p : {0.7, 2.0, 2.4, 6.0}) {
        const cpu::Power power(p);
        const cpu::Cells cells = cpu::make_cells(x, cpu::min_max(x, 1).front(), power);
        const Ranges ranges = make_ranges(x, 1, 9, 3);
        for (size_t c = 0; c < ranges.lo.size(); ++c) {
            for (int bits : {2, 4, 6}) {
                const cpu::Quantiser quantiser =
                    cpu::quantiser_of_range(ranges.lo[c], ranges.hi[c], {bits, false}, false);
                const double exact = cpu::error_sum(x, quantiser, power);
                const cpu::CellScore score = cpu::score_cells(cells, quantiser, power, 4.0f, INFINITY);
                CAPTURE(p);
                CAPTURE(bits);
                CHECK(std::fabs(score.sum - exact) <= score.error + 2e-7 * exact);
                CHECK(score.error < 1e-3 * exact);
            }
        }
    }
}

TEST_CASE("very large groups: scores on cells lead to the exhaustive answer") {
    struct Case {
        const char* kind;
        Grid grid;
        double p;
    };
    for (const auto& [kind, grid, p] : {Case{"heavy", {8, false}, 2.4}, Case{"relu", {8, true}, 2.4},
                                        Case{"relu", {4, true}, 2.0}, Case{"skewed", {2, false}, 3.3}}) {
        CAPTURE(kind);
        const std::vector<float> x = test::scheme_input(kind, 15, 1, 300'000);
        const Ranges ranges = make_ranges(x, 1, 24, grid.one_sided ? 3 : 4);
        check_large(x, ranges.search(grid, p));
    }
}

TEST_CASE("very large groups of few distinct values, or with one far outlier, are searched right too") {
    std::vector<float> steps = test::scheme_input("bell", 16, 1, 300'000);
    for (float& value : steps) value = std::floor(value * 400.0f) * 0.02f;
    std::vector<float> outlier = test::scheme_input("bell", 17, 1, 300'000);
    outlier[1234] = 5000.0f;
    const std::vector<float> zeros(300'000, 0.0f), constant(300'000, 0.7f);
    for (const std::vector<float>& x : {steps, outlier, zeros, constant}) {
        const Ranges ranges = make_ranges(x, 1, 33, 2);
        check_large(x, ranges.search({4, false}, 2.4));
    }
}

TEST_CASE("the number of threads changes no bit of a result") {
    const std::vector<float> channels = test::scheme_input("heavy", 18, 9, 700),
                             layer = test::scheme_input("heavy", 19, 1, 9000),
                             site = test::scheme_input("heavy", 20, 1, 300'000);
    const std::vector<int64_t> ranks{3, 100, 650};
    for (const auto& [x, groups] : {std::pair{channels, 9}, std::pair{layer, 1}, std::pair{site, 1}}) {
        for (int widths : {5, 40}) {
            const Ranges ranges = make_ranges(x, groups, widths, 4);
            RangeSearch search = ranges.search({4, false}, 2.4);
            for (bool joint : {false, true}) {
                search.joint = joint;
                Threads one(1);
                const std::vector<BestRange> alone = cpu::best_range(x, groups, search);
                const std::vector<float> alone_ranked = cpu::order_statistics(x, groups, ranks);
                for (int threads : {2, 3, 7}) {
                    Threads several(threads);
                    CHECK(same(cpu::best_range(x, groups, search), alone));
                    CHECK(cpu::order_statistics(x, groups, ranks) == alone_ranked);
                }
            }
        }
    }
}

}  // namespace adaq
