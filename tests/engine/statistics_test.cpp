// The statistics behind the report, against published values, their defining equations and sums done by hand.
#include "engine/statistics.h"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <numeric>
#include <stdexcept>

using namespace adaq;

TEST_SUITE("statistics") {
    TEST_CASE("Wilson intervals are those that Newcombe (1998) printed, to four decimals") {
        struct Row {
            int64_t successes, n;
            double lo, hi;
        };
        for (const Row& row : {Row{81, 263, 0.2553, 0.3662}, Row{15, 148, 0.0624, 0.1605}, Row{0, 20, 0.0, 0.1611},
                               Row{1, 29, 0.0061, 0.1718}}) {
            const Interval interval = wilson_interval(row.successes, row.n);
            CHECK(std::abs(interval.lo - row.lo) <= 0.00005);
            CHECK(std::abs(interval.hi - row.hi) <= 0.00005);
        }
    }

    TEST_CASE("a Wilson bound is where the share lies 1.96 standard errors away, the error taken at the bound itself") {
        for (int64_t successes : {int64_t{1}, int64_t{2739}, int64_t{5049}}) {
            const int64_t n = 5050;
            const double share = static_cast<double>(successes) / static_cast<double>(n);
            const Interval interval = wilson_interval(successes, n);
            for (double bound : {interval.lo, interval.hi}) {
                const double error = std::sqrt(bound * (1.0 - bound) / static_cast<double>(n));
                CHECK(std::abs(share - bound) / error == doctest::Approx(1.959963984540054).epsilon(1e-9));
            }
        }
    }

    TEST_CASE("Wilson intervals touch 0 and 1 exactly at the edges, and say nothing about no images") {
        CHECK(wilson_interval(0, 10).lo == 0.0);
        CHECK(wilson_interval(0, 10).hi == doctest::Approx(0.2775327998628892));  // z^2 / (n + z^2)
        CHECK(wilson_interval(10, 10).hi == 1.0);
        CHECK(wilson_interval(10, 10).lo == doctest::Approx(1.0 - 0.2775327998628892));
        CHECK(wilson_interval(0, 0).lo == 0.0);
        CHECK(wilson_interval(0, 0).hi == 1.0);
        CHECK_THROWS_AS(wilson_interval(3, 2), std::logic_error);
        CHECK_THROWS_AS(wilson_interval(-1, 2), std::logic_error);
    }

    TEST_CASE("a histogram counts every value once, the largest in the last bin") {
        const std::vector<float> values{-1.0f, -0.9f, 0.0f, 0.1f, 0.6f, 1.0f};
        const Histogram histogram = histogram_of(values, 4);
        CHECK(histogram.lo == -1.0);
        CHECK(histogram.hi == 1.0);
        CHECK(histogram.counts == std::vector<int64_t>{2, 0, 2, 2});
    }

    TEST_CASE("equal values fall into the first bin, no values into none") {
        const std::vector<float> equal(7, 0.25f);
        const Histogram histogram = histogram_of(equal, 3);
        CHECK(histogram.lo == 0.25);
        CHECK(histogram.hi == 0.25);
        CHECK(histogram.counts == std::vector<int64_t>{7, 0, 0});
        CHECK(histogram_of({}, 3).counts.empty());
    }

    TEST_CASE("a histogram of what is not finite is our own mistake") {
        const std::vector<float> values{0.0f, std::numeric_limits<float>::infinity()};
        CHECK_THROWS_AS(histogram_of(values), std::logic_error);
    }

    TEST_CASE("SQNR is 20 dB where the error's amplitude is a tenth of the signal's") {
        const std::vector<float> x{1.0f, -2.0f, 4.0f}, off{1.125f, -2.25f, 4.5f};
        CHECK(sqnr_db(x, off) == doctest::Approx(20.0 * std::log10(8.0)));
        CHECK(sqnr_db(100.0, 1.0) == doctest::Approx(20.0));
    }

    TEST_CASE("SQNR is infinite without an error, minus infinite without a signal") {
        const std::vector<float> x{1.0f, 2.0f}, zero{0.0f, 0.0f};
        CHECK(sqnr_db(x, x) == std::numeric_limits<double>::infinity());
        CHECK(sqnr_db(zero, zero) == std::numeric_limits<double>::infinity());
        CHECK(sqnr_db(zero, x) == -std::numeric_limits<double>::infinity());
    }

    TEST_CASE("the median is the middle value, or the mean of the middle two") {
        const std::vector<float> odd{3.0f, -1.0f, 2.0f}, even{3.0f, -1.0f, 2.0f, 10.0f};
        CHECK(spread_of(odd).median == 2.0);
        CHECK(spread_of(even).median == 2.5);
        CHECK(spread_of(even).min == -1.0);
        CHECK(spread_of(even).max == 10.0);
        CHECK_THROWS_AS(spread_of({}), std::logic_error);
    }
}
