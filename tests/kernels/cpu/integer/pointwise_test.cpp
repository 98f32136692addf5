// Quantising beside ties, additions, pooling and sums of codes.
#include "kernels/cpu/integer/pointwise.h"

#include <doctest/doctest.h>

#include <array>

#include "kernels/cpu/integer/layers.h"
#include "kernels/cpu/integer/linear.h"
#include "kernels/cpu/integer/sets.h"

using namespace adaq;
using namespace adaq::test;

namespace {

void check_codes(const std::vector<float>& values, const integer::Quantiser& q) {
    std::vector<uint8_t> expected(values.size());
    for (size_t i = 0; i < values.size(); ++i) expected[i] = integer::code_of(values[i], q);
    for (const integer::Instructions* set : every_set()) {
        CAPTURE(set->name);
        CAPTURE(q.scale);
        std::vector<uint8_t> codes(values.size());
        integer::quantise(values.data(), static_cast<int64_t>(values.size()), q, codes.data(), 1, *set);
        CHECK((codes == expected));
    }
}

}  // namespace

TEST_SUITE("integer pointwise") {
    TEST_CASE("codes are those of a division, at and beside every tie of many scales") {
        Values values(41);
        for (int i = 0; i < 400; ++i) {
            const int bits = draw(values, 1, 8), qmin = draw(values, 0, 1) == 0 ? 0 : -(1 << (bits - 1)),
                      qmax = qmin + (1 << bits) - 1;
            const integer::Quantiser q{(values.real() + 1.5f) * std::ldexp(1.0f, draw(values, -30, 30)),
                                       draw(values, qmin, qmax), qmin, qmax};
            check_codes(near_ties(q), q);
        }
    }

    TEST_CASE("scales without a reciprocal, and values without end, have the codes of a division, too") {
        const float huge = std::numeric_limits<float>::max(), tiny = std::numeric_limits<float>::denorm_min(),
                    infinite = std::numeric_limits<float>::infinity();
        for (const float scale : {tiny, 3 * tiny, 1e-40f, 1e-38f, 1.5e-38f, 1.0f, 3.1e38f, huge, 2e38f}) {
            const integer::Quantiser q{scale, 3, 0, 255};
            std::vector<float> values = near_ties(q);
            for (const float v : {0.0f, -0.0f, tiny, -tiny, huge, -huge, infinite, -infinite, 1e-38f, 1.0f})
                values.push_back(v);
            check_codes(values, q);
        }
    }

    TEST_CASE("an addition of codes or floats has the plain epilogue's bits") {
        Values values(42);
        for (int i = 0; i < 200; ++i) {
            const int64_t count = draw(values, 1, 300);
            const EpilogueData data(values, 1, count, 1.0f);
            const auto codes_a = draw_codes<uint8_t>(values, count, 0, 255),
                       codes_b = draw_codes<uint8_t>(values, count, 0, 255);
            const auto floats_a = values.reals(count), floats_b = values.reals(count);
            integer::Addition op{{}, {}, data.epilogue};
            op.a =
                draw(values, 0, 1) == 0 ? integer::Operand{floats_a.data()} : integer::Operand{nullptr, codes_a.data()};
            const int kind = draw(values, 0, 2);
            if (kind == 1) op.b.values = floats_b.data();
            if (kind == 2) op.b.codes = codes_b.data();
            op.a.zero = draw(values, 0, 255), op.b.zero = draw(values, 0, 255);
            op.a.scale = values.real(), op.b.scale = values.real();
            Output expected(count);
            for (int64_t j = 0; j < count; ++j) {
                float v = op.a.scale * op.a.at(j);
                if (op.b.present()) v = v + op.b.scale * op.b.at(j);
                integer::write_result(v, op.epilogue, expected.result(), j);
            }
            for (const integer::Instructions* set : every_set()) {
                CAPTURE(set->name);
                Output y(count);
                integer::add(op, count, y.result(), 2, *set);
                CHECK((y == expected));
            }
        }
    }

    TEST_CASE("pooling takes the largest code inside the map") {
        Values values(43);
        for (int i = 0; i < 100; ++i) {
            const integer::Geometry g = draw_geometry(values, false);
            const int64_t images = draw(values, 1, 3);
            const auto x = draw_codes<uint8_t>(values, images * g.h * g.w * g.c, 0, 255);
            std::vector<uint8_t> y(static_cast<size_t>(images * g.p() * g.q() * g.c));
            integer::max_pool(g, x.data(), images, y.data(), draw(values, 1, 3));
            size_t at = 0;
            bool same = true;
            for (int64_t n = 0; n < images; ++n)
                for (int64_t p = 0; p < g.p(); ++p)
                    for (int64_t q = 0; q < g.q(); ++q)
                        for (int64_t c = 0; c < g.c; ++c) {
                            int most = 0;
                            for (int64_t r = 0; r < g.r; ++r)
                                for (int64_t s = 0; s < g.s; ++s) {
                                    const int64_t row = p * g.stride_h - g.top + r * g.dilation_h,
                                                  column = q * g.stride_w - g.left + s * g.dilation_w;
                                    if (row < 0 || row >= g.h || column < 0 || column >= g.w) continue;
                                    const auto from = static_cast<size_t>(((n * g.h + row) * g.w + column) * g.c + c);
                                    most = std::max<int>(most, x[from]);
                                }
                            same = same && y[at++] == most;
                        }
            CHECK(same);
        }
    }

    TEST_CASE("sums of codes, and the layer behind them") {
        Values values(44);
        for (int i = 0; i < 60; ++i) {
            const int64_t images = draw(values, 1, 4), positions = draw(values, 1, 60), c = draw(values, 1, 80),
                          k = draw(values, 1, 40);
            const auto x = draw_codes<uint8_t>(values, images * positions * c, 0, 255);
            std::vector<int32_t> sums(static_cast<size_t>(images * c)), expected_sums(sums.size());
            for (size_t j = 0; j < x.size(); ++j) {
                const auto n = static_cast<int64_t>(j) / (positions * c), channel = static_cast<int64_t>(j) % c;
                expected_sums[static_cast<size_t>(n * c + channel)] += x[j];
            }
            integer::sum_codes(x.data(), images, positions, c, sums.data(), draw(values, 1, 3));
            CHECK((sums == expected_sums));

            const auto w = draw_codes<int8_t>(values, k * c, -128, 127);
            std::vector<int32_t> w_zero;
            if (draw(values, 0, 1) == 0)
                for (int64_t j = 0; j < k; ++j) w_zero.push_back(draw(values, -255, 255));
            const int x_zero = draw(values, 0, 15000);
            const EpilogueData data(values, k, images * k, 1e6f);
            Output expected(images * k);
            for (int64_t j = 0; j < images * k; ++j) {
                int64_t sum = 0;
                for (int64_t channel = 0; channel < c; ++channel)
                    sum += int64_t{sums[static_cast<size_t>(j / k * c + channel)] - x_zero} *
                           (w[static_cast<size_t>(j % k * c + channel)] -
                            (w_zero.empty() ? 0 : w_zero[static_cast<size_t>(j % k)]));
                integer::finish_plainly(static_cast<float>(sum), data.epilogue, j % k, expected.result(), j);
            }
            for (const bool wide : {false, true}) {
                Output y(images * k);
                integer::SumsLinear(w, k, w_zero, x_zero, wide)
                    .run(sums.data(), images, data.epilogue, y.result(), draw(values, 1, 3));
                CHECK((y == expected));
            }
        }
    }
}
