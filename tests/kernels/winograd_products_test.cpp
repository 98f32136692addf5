// Winograd's matrix products on every instruction set of this processor: their error beside float64, and their bits.
#include "kernels/cpu/winograd_products.h"

#include <doctest/doctest.h>

#include <cmath>

#include "support/operations.h"

using namespace adaq;
using namespace adaq::test;
using namespace adaq::cpu::winograd;

namespace {

/// Random operands of two points. Between points, and behind the last, is something else.
struct RandomProducts {
    static constexpr int64_t kGap = 16;
    int64_t rows, c, k, v_point, u_point, m_point;
    std::vector<float> v, u;

    RandomProducts(int64_t rows_, int64_t c_, int64_t k_, uint64_t seed)
        : rows(rows_), c(c_), k(k_), v_point(rows * c + kGap), u_point(c * k + kGap), m_point(rows * k + kGap) {
        Values random(seed);
        v = random.reals(2 * v_point);
        u = random.reals(2 * u_point);
    }

    /// m[2][rows][k] and what lies between, in rows [first, first + count) alone.
    std::vector<float> run(cpu::integer::Level level, int64_t first, int64_t count) const {
        std::vector<float> m(static_cast<size_t>(2 * m_point), kUntouched);
        multiply({2, count, c, k, v.data() + first * c, v_point, u.data(), u_point, m.data() + first * k, m_point},
                 panel_kernel(level));
        return m;
    }
    std::vector<float> run(cpu::integer::Level level) const { return run(level, 0, rows); }

    /// Root of the mean square of m's distance from float64, relative to that of the exact products.
    double error(const std::vector<float>& m) const {
        double errors = 0.0, squares = 0.0;
        each_sum([&](int64_t at, const auto& term) {
            double exact = 0.0;
            for (int64_t ci = 0; ci < c; ++ci) exact += static_cast<double>(term(ci).first) * term(ci).second;
            errors += (m[at] - exact) * (m[at] - exact);
            squares += exact * exact;
        });
        return std::sqrt(errors / squares);
    }

    /// What one accumulator makes of each sum.
    std::vector<float> in_a_row() const {
        std::vector<float> m(static_cast<size_t>(2 * m_point), kUntouched);
        each_sum([&](int64_t at, const auto& term) {
            float sum = 0.0f;
            for (int64_t ci = 0; ci < c; ++ci) sum = std::fma(term(ci).first, term(ci).second, sum);
            m[at] = sum;
        });
        return m;
    }

    /// Whether nothing was written but products.
    bool gaps_untouched(const std::vector<float>& m) const {
        for (int64_t point = 0; point < 2; ++point)
            for (int64_t i = rows * k; i < m_point; ++i)
                if (m[point * m_point + i] != kUntouched) return false;
        return true;
    }

  private:
    static constexpr float kUntouched = 12345.0f;

    /// sum(place in m, the two factors of each of its terms)
    template <typename Sum>
    void each_sum(const Sum& sum) const {
        for (int64_t point = 0; point < 2; ++point) {
            for (int64_t row = 0; row < rows; ++row) {
                for (int64_t ki = 0; ki < k; ++ki) {
                    sum(point * m_point + row * k + ki, [&](int64_t ci) {
                        return std::pair(v[point * v_point + row * c + ci],
                                         u[point * u_point + at_packed(ci, ki, c, k)]);
                    });
                }
            }
        }
    }
};

}  // namespace

TEST_SUITE("Winograd convolution") {
    TEST_CASE("products of many channels keep the digits that one accumulator loses") {
        for (const int64_t c : {64, 128, 256, 512}) {
            const RandomProducts products(67, c, 80, 41);
            // Every term's error is half a unit at most, of a sum that grows as the root of its terms does.
            const double terms = static_cast<double>(terms_in_a_row(c)), pieces = static_cast<double>(c) / terms;
            const double bound = 0.5 * std::sqrt((terms + pieces) / 2) * std::ldexp(1.0, -24);
            CAPTURE(c);
            CHECK(products.error(products.in_a_row()) > 1.15 * bound);
            for (const cpu::integer::Level level : cpu::integer::levels()) {
                CAPTURE(static_cast<int>(level));
                const std::vector<float> m = products.run(level);
                CHECK(products.error(m) < bound);
                CHECK(products.gaps_untouched(m));
            }
        }
    }

    TEST_CASE("products have the same bits with AVX2 and AVX-512, and whatever rows are multiplied together") {
        struct Sizes {
            int64_t rows, c, k;
        };
        for (const Sizes& s :
             {Sizes{1, 16, 16}, Sizes{13, 48, 112}, Sizes{70, 176, 64}, Sizes{129, 80, 32}, Sizes{6, 272, 144}}) {
            CAPTURE(s.rows);
            const RandomProducts products(s.rows, s.c, s.k, 42);
            std::vector<float> fused;
            for (const cpu::integer::Level level : cpu::integer::levels()) {
                CAPTURE(static_cast<int>(level));
                const std::vector<float> m = products.run(level);
                CHECK(products.error(m) < 1e-6);  // a wrong term would make it about 0.1
                if (level == cpu::integer::Level::baseline) continue;
                if (fused.empty()) fused = m;
                CHECK(m == fused);
            }
            const cpu::integer::Level best = cpu::integer::best_level();
            const std::vector<float> together = products.run(best);
            bool same = true;
            for (int64_t row = 0; row < s.rows; ++row) {
                const std::vector<float> alone = products.run(best, row, 1);
                for (int64_t point = 0; point < 2; ++point)
                    for (int64_t at = point * products.m_point + row * s.k, i = 0; i < s.k; ++i)
                        same = same && alone[at + i] == together[at + i];
            }
            CHECK(same);
        }
    }
}
