// Convolutions of floats: those summed in one fixed order, and those of integers that are summed exactly.
#include <doctest/doctest.h>

#include "kernels/cpu/integer/layers.h"
#include "kernels/cpu/integer/sets.h"

using namespace adaq;
using namespace adaq::test;

namespace {

struct FloatLayer {
    integer::Geometry g;
    int64_t images;
    std::vector<float> x, w;
    EpilogueData data;

    FloatLayer(Values& values, const integer::Geometry& geometry, bool whole)
        : g(geometry), images(draw(values, 1, 3)), data(values, g.k, outputs_of(g, images), whole ? 4e5f : 4.0f) {
        const int64_t x_count = images * g.h * g.w * g.c;
        x = whole ? values.wholes(x_count, -255, 255) : values.reals(x_count);
        w = whole ? values.wholes(g.weights(), -255, 255) : values.reals(g.weights());
    }

    template <typename Sum, typename Add>
    Output expected(const Add& add) const {
        Output y(outputs_of(g, images));
        const integer::Result result = y.result();
        Sum sum = 0;
        for_each_tap(
            g, images,
            [&](int64_t i, int64_t j, int64_t) {
                if (i >= 0) sum = add(x[static_cast<size_t>(i)], w[static_cast<size_t>(j)], sum);
            },
            [&](int64_t k, int64_t i) {
                integer::finish_plainly(static_cast<float>(sum) + 0.0f, data.epilogue, k, result, i);
                sum = 0;
            });
        return y;
    }
    Output run(integer::FloatSum sum, const integer::Instructions& set, int threads) const {
        const integer::FloatConvolution convolution(g, w, sum, set);
        Output y(outputs_of(g, images));
        const integer::AlignedBytes workspace(convolution.workspace_bytes(images, threads));
        convolution.run(x.data(), images, data.epilogue, y.result(), workspace.data(), threads);
        return y;
    }
};

float fused(float a, float b, float sum) { return std::fmaf(a, b, sum); }
int64_t whole_sum(float a, float b, int64_t sum) { return sum + static_cast<int64_t>(a) * static_cast<int64_t>(b); }

}  // namespace

TEST_SUITE("integer float convolution") {
    TEST_CASE("sums in order have the bits of fmaf over r, s, c on every instruction set and twin, and any threads") {
        Values values(31);
        for (int i = 0; i < 120; ++i) {
            const FloatLayer layer(values, draw_geometry(values, i % 10 == 0), false);
            const Output expected = layer.expected<float>(fused);
            for (const integer::Instructions* set : every_set()) {
                CAPTURE(set->name);
                CHECK((layer.run(integer::FloatSum::in_order, *set, 1) == expected));
                CHECK((layer.run(integer::FloatSum::in_order, *set, 3) == expected));
            }
        }
    }

    TEST_CASE("exact sums of integers are those in 64 bits on every instruction set and twin") {
        Values values(32);
        for (int i = 0; i < 120; ++i) {
            const FloatLayer layer(values, draw_geometry(values, i % 10 == 0), true);
            const Output expected = layer.expected<int64_t>(whole_sum);
            for (const integer::Instructions* set : every_set()) {
                CAPTURE(set->name);
                CHECK((layer.run(integer::FloatSum::exact, *set, 1) == expected));
            }
        }
    }

    TEST_CASE("padding counts nothing, not even where a sum has become -0") {
        // The products underflow to -0; a product of the padding's 0 would make it 0, and so does the end.
        const integer::Geometry g{.h = 1, .w = 1, .c = 1, .k = 1, .r = 3, .s = 1, .top = 1, .bottom = 1};
        const std::vector<float> x{-1e-30f}, w{1.0f, 1e-30f, 1.0f};
        for (const integer::Instructions* set : every_set()) {
            const integer::FloatConvolution convolution(g, w, integer::FloatSum::in_order, *set);
            const integer::AlignedBytes workspace(convolution.workspace_bytes(1, 1));
            float y = 7.0f;
            convolution.run(x.data(), 1, {}, {&y, nullptr}, workspace.data(), 1);
            CHECK(y == 0.0f);
            CHECK_FALSE(std::signbit(y));
        }
    }
}
