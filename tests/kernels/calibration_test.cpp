// Calibration through the door that the engine uses (engine/program/device.h): every device's extremes, order
// statistics and range searches against the reference's.
#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "support/devices.h"
#include "support/operations.h"
#include "support/scheme_inputs.h"

using namespace adaq;
using namespace adaq::test;

namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();

Buffer put_values(Bench& bench, const std::vector<float>& x) { return bench.put({static_cast<int64_t>(x.size())}, x); }

struct Candidates {
    std::vector<float> lo, hi;
    int64_t count;

    /// Ranges from a few per cent to all of [-1, 1] times `reach`, moved up and down.
    Candidates(int64_t groups, int64_t candidates, float reach) : count(candidates) {
        for (int64_t i = 0; i < groups * candidates; ++i) {
            const float width = reach * static_cast<float>(i % candidates + 1) / static_cast<float>(candidates);
            lo.push_back(-width);
            hi.push_back(width * static_cast<float>(1 + i % 3) / 2.0f);
        }
    }
    RangeSearch search(Grid grid, double p) const {
        return {.grid = grid, .p = p, .candidates = count, .lo = lo, .hi = hi};
    }
};

/// The candidate that `device` chose loses no more than a millionth more than the reference's best, and says so.
void compare(Bench& bench, const std::vector<float>& x, int64_t groups, const RangeSearch& search) {
    Bench reference("reference");
    const Buffer on_reference = put_values(reference, x);
    const auto expected = reference.device().best_range(*on_reference, groups, search);
    const auto found = bench.device().best_range(*put_values(bench, x), groups, search);
    REQUIRE(found.size() == expected.size());
    for (size_t g = 0; g < found.size(); ++g) {
        CAPTURE(g);
        CHECK(found[g].score == doctest::Approx(expected[g].score).epsilon(1e-6));
        if (found[g].candidate == expected[g].candidate) continue;
        RangeSearch one = search;  // what the choice loses, by the reference
        std::vector<float> lo, hi;
        for (int64_t group = 0; group < groups; ++group) {
            lo.push_back(search.lo[static_cast<size_t>(group * search.candidates + found[g].candidate)]);
            hi.push_back(search.hi[static_cast<size_t>(group * search.candidates + found[g].candidate)]);
        }
        one.lo = lo, one.hi = hi, one.candidates = 1;
        CHECK(reference.device().best_range(*on_reference, groups, one)[g].score <= expected[g].score * (1 + 1e-6));
    }
}

}  // namespace

TEST_SUITE("calibration") {
    TEST_CASE("smallest and largest of groups, whatever their length, NaN and infinity show") {
        for (const std::string& device : devices_under_test()) {
            CAPTURE(device);
            Bench bench(device), reference("reference");
            for (int64_t elements : {1, 2, 31, 256, 257, 5000, 40'000}) {
                std::vector<float> x = scheme_input("heavy", 5, 3, elements);
                const auto check = [&](size_t changed) {
                    const auto found = bench.device().min_max(*put_values(bench, x), 3),
                               expected = reference.device().min_max(*put_values(reference, x), 3);
                    for (size_t g = 0; g < 3; ++g) {
                        CAPTURE(changed);
                        CHECK(std::isnan(found[g].min) == std::isnan(expected[g].min));
                        CHECK(std::isnan(found[g].max) == std::isnan(expected[g].max));
                        if (std::isnan(expected[g].min)) continue;
                        CHECK(found[g].min == expected[g].min);
                        CHECK(found[g].max == expected[g].max);
                    }
                };
                check(0);
                x[x.size() / 2] = -kInfinity;
                check(1);
                x.back() = std::numeric_limits<float>::quiet_NaN();
                check(2);
            }
        }
    }

    TEST_CASE("order statistics are those of a full sort, in small and in large groups") {
        for (const std::string& device : devices_under_test()) {
            CAPTURE(device);
            Bench bench(device), reference("reference");
            for (int64_t elements : {1, 2, 100, 8192, 8193, 30'000}) {
                std::vector<float> x = scheme_input("heavy", 6, 2, elements);
                for (size_t i = 0; i < x.size(); i += 3) x[i] = i % 2 ? 0.0f : -0.0f;  // as ReLU leaves them
                if (elements > 2) x[1] = kInfinity, x[2] = -kInfinity;
                std::vector<int64_t> ranks;
                for (int64_t i = 0; i < 50; ++i) ranks.push_back(i * (elements - 1) / 49);
                for (const auto& of : {ranks, std::vector<int64_t>{elements - 1}, std::vector<int64_t>{elements / 3},
                                       std::vector<int64_t>{}}) {
                    CAPTURE(elements);
                    CHECK(bench.device().order_statistics(*put_values(bench, x), 2, of) ==
                          reference.device().order_statistics(*put_values(reference, x), 2, of));
                }
            }
        }
    }

    TEST_CASE("ranks that do not ascend, or lie beyond their group, are refused by every device") {
        for (const std::string& device : all_devices()) {
            CAPTURE(device);
            Bench bench(device);
            const Buffer x = put_values(bench, {3.0f, 1.0f, 2.0f, 5.0f, 4.0f, 6.0f});
            for (const std::vector<int64_t>& ranks : {std::vector<int64_t>{1, 0}, {-1, 0}, {0, 3}})
                CHECK_THROWS_WITH_AS(bench.device().order_statistics(*x, 2, ranks),
                                     "order_statistics: ranks are not ascending within 0 ... 2", std::logic_error);
            CHECK(bench.device().order_statistics(*x, 2, std::vector<int64_t>{0, 2}) ==
                  std::vector<float>{1.0f, 3.0f, 4.0f, 6.0f});
        }
    }

    TEST_CASE("range searches: each group for itself and together, any grid and exponent") {
        for (const std::string& device : devices_under_test()) {
            CAPTURE(device);
            Bench bench(device);
            for (int64_t elements : {1, 7, 1500, 9000}) {
                for (int64_t candidates : {1, 80, 300}) {
                    const Candidates ranges(3, candidates, 3.0f);
                    const std::vector<float> x = scheme_input("bell", 9, 3, elements);
                    CAPTURE(elements);
                    CAPTURE(candidates);
                    compare(bench, x, 3, ranges.search({4, false}, 2.4));
                    RangeSearch together = ranges.search({3, false}, 2.0);
                    together.joint = true;
                    compare(bench, x, 3, together);
                    RangeSearch centred = ranges.search({8, false}, 2.4);
                    centred.zero_centred = true;
                    compare(bench, x, 3, centred);
                }
            }
        }
    }

    TEST_CASE("of candidates with equal scores the first wins") {
        const std::vector<float> ends(200, 1.0f), starts(200, -1.0f);
        for (const std::string& device : all_devices()) {
            CAPTURE(device);
            Bench bench(device);
            const RangeSearch search{.grid = {4, false}, .p = 2.4, .candidates = 200, .lo = starts, .hi = ends};
            CHECK(bench.device()
                      .best_range(*put_values(bench, scheme_input("bell", 3, 1, 500)), 1, search)[0]
                      .candidate == 0);
        }
    }
}
