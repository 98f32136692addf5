// Winograd's algorithm in integers, on every instruction set of this processor that has it and on the scalar twins.
#include "kernels/cpu/integer/winograd_convolution.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>

#include "kernels/cpu/integer/layers.h"
#include "kernels/cpu/integer/sets.h"

using namespace adaq;
using namespace adaq::test;

namespace {

std::vector<const integer::Instructions*> sets_with_winograd() {
    std::vector<const integer::Instructions*> sets = every_set();
    sets.erase(std::remove_if(sets.begin(), sets.end(), [](const auto* set) { return set->winograd.run == nullptr; }),
               sets.end());
    return sets;
}

const integer::Instructions& set_named(std::string_view name) {
    for (const integer::Instructions* set : twins())
        if (set->name == name) return *set;
    FAIL("no instruction set " << name);
    throw std::logic_error("unreachable");
}

integer::Geometry of_map(int64_t edge, int64_t c, int64_t k) {
    return {.h = edge, .w = edge, .c = c, .k = k, .r = 3, .s = 3, .top = 1, .left = 1, .bottom = 1, .right = 1};
}

/// Of weights without zero points.
struct PlainLayer : Layer {
    PlainLayer(Values& values, const integer::Geometry& g, int64_t images) : Layer(values, g, images) {
        w_zero.clear();
    }
};

/// What stands behind the workspace is looked at, too.
Output run_winograd(const Layer& layer, const integer::Instructions& set, int threads) {
    const integer::WinogradConvolution convolution(layer.g, set.winograd, layer.w.data(), layer.x_zero, {});
    const size_t bytes = convolution.workspace_bytes(layer.images, threads);
    const integer::AlignedBytes workspace(bytes + 64);
    std::fill_n(workspace.data(), bytes + 64, uint8_t{0x5A});
    Output y(outputs_of(layer.g, layer.images));
    convolution.run(layer.x.data(), layer.images, layer.data.epilogue, y.result(), workspace.data(), threads);
    CHECK(std::all_of(workspace.data() + bytes, workspace.data() + bytes + 64,
                      [](uint8_t byte) { return byte == 0x5A; }));
    return y;
}

void check_winograd(const Layer& layer, int threads = 1) {
    CAPTURE(fmt::format("{} x [{},{},{}] by {} padding {},{},{},{}", layer.images, layer.g.h, layer.g.w, layer.g.c,
                        layer.g.k, layer.g.top, layer.g.left, layer.g.bottom, layer.g.right));
    const Output expected = layer.expected();
    for (const integer::Instructions* set : sets_with_winograd()) {
        CAPTURE(set->name);
        REQUIRE(integer::WinogradConvolution::can(layer.g, *set, layer.w.data(), layer.w_zero));
        CHECK((run_winograd(layer, *set, threads) == expected));
    }
}

}  // namespace

TEST_SUITE("integer Winograd") {
    TEST_CASE("random maps, channels and paddings agree with sums in 64 bits, for any threads") {
        Values values(51);
        for (int i = 0; i < 60; ++i) {
            integer::Geometry g{.r = 3, .s = 3};
            g.h = draw(values, 1, 13), g.w = draw(values, 1, i % 6 == 0 ? 40 : 13);
            g.top = draw(values, g.h < 3 ? 2 : 0, 3), g.left = draw(values, g.w < 3 ? 2 : 0, 3);
            g.bottom = draw(values, 0, 3), g.right = draw(values, 0, 3);
            g.c = draw(values, 0, 1) == 0 ? draw(values, 1, 9) : draw(values, 10, 90);
            g.k = draw(values, 0, 1) == 0 ? draw(values, 1, 20) : draw(values, 20, 80);
            check_winograd(PlainLayer(values, g, draw(values, 1, 3)), draw(values, 1, 5));
        }
    }

    TEST_CASE("maps of one row, whose tiles of several images follow each other in y") {
        Values values(52);
        for (const int64_t width : {1, 4, 5, 8}) {
            integer::Geometry g = of_map(1, 6, 20);
            g.w = width;
            check_winograd(PlainLayer(values, g, 5));
        }
    }

    TEST_CASE("more tiles than are transformed at once, and more threads than those") {
        Values values(53);
        const PlainLayer large(values, of_map(30, 70, 40), 2);
        const PlainLayer small(values, of_map(4, 40, 100), 1);
        for (const int threads : {1, 3}) {
            check_winograd(large, threads);
            check_winograd(small, threads);
        }
    }

    TEST_CASE("every plane holds its largest words, of either sign") {
        constexpr int kB[6][6] = {{4, 0, -5, 0, 1, 0},  {0, -4, -4, 1, 1, 0}, {0, 4, -4, -1, 1, 0},
                                  {0, -2, -1, 2, 1, 0}, {0, 2, -1, -2, 1, 0}, {0, 4, 0, -5, 0, 1}};
        constexpr int kG[6][3] = {{6, 0, 0}, {1, 1, 1}, {1, -1, 1}, {1, 2, 4}, {1, -2, 4}, {0, 0, 6}};
        Values values(54);
        for (int plane = 0; plane < 36; ++plane) {
            for (const int sign : {1, -1}) {
                const integer::Geometry g{.h = 6, .w = 6, .c = 5, .k = 3, .r = 3, .s = 3};
                PlainLayer layer(values, g, 1);
                const int row = plane / 6, column = plane % 6;
                for (int i = 0; i < 36; ++i)
                    for (int c = 0; c < 5; ++c)
                        layer.x[static_cast<size_t>(i * 5 + c)] =
                            sign * kB[row][i / 6] * kB[column][i % 6] > 0 ? 255 : 0;
                for (int k = 0; k < 3; ++k)
                    for (int i = 0; i < 9; ++i)
                        for (int c = 0; c < 5; ++c)
                            layer.w[static_cast<size_t>((k * 9 + i) * 5 + c)] =
                                kG[row][i / 3] * kG[column][i % 3] * (k == 0 ? 1 : -1) > 0 ? 127 : -128;
                check_winograd(layer);
            }
        }
    }

    TEST_CASE("sums are exact up to the bound, and no layer beyond it is taken") {
        Values values(55);
        struct Bound {
            int weight;
            int64_t channels;  // the most: 9 * channels * |weight| * 255 < 2^25
        };
        for (const Bound bound : {Bound{127, 115}, Bound{-128, 114}}) {
            PlainLayer layer(values, of_map(5, bound.channels, 4), 1);
            std::fill(layer.x.begin(), layer.x.end(), uint8_t{255});
            std::fill(layer.w.begin(), layer.w.end(), static_cast<int8_t>(bound.weight));
            layer.data.epilogue = {};
            check_winograd(layer);
            layer.x_zero = 255;  // what a sum begins with is beyond the bound
            check_winograd(layer);

            PlainLayer beyond(values, of_map(5, bound.channels + 1, 4), 1);
            std::fill(beyond.w.begin(), beyond.w.end(), static_cast<int8_t>(bound.weight));
            for (const integer::Instructions* set : sets_with_winograd())
                CHECK_FALSE(integer::WinogradConvolution::can(beyond.g, *set, beyond.w.data(), {}));
        }
    }

    TEST_CASE("only 3x3 windows without strides, dilation, groups and zero points of weights are taken") {
        const std::vector<int8_t> w(9 * 8 * 8, 1);
        const integer::Instructions& set = set_named("AVX-512 VNNI's twin");
        const integer::Geometry takes = of_map(9, 8, 8);
        CHECK(integer::WinogradConvolution::can(takes, set, w.data(), {}));
        CHECK(integer::WinogradConvolution::can(takes, set, w.data(), std::vector<int32_t>(8, 0)));
        CHECK_FALSE(integer::WinogradConvolution::can(takes, set, w.data(), {0, 0, 0, 0, 0, 0, 0, 1}));
        CHECK_FALSE(integer::WinogradConvolution::can(takes, set_named("AMX's twin"), w.data(), {}));
        for (const auto& change : std::vector<void (*)(integer::Geometry&)>{
                 [](integer::Geometry& g) { g.stride_h = 2; }, [](integer::Geometry& g) { g.stride_w = 2; },
                 [](integer::Geometry& g) { g.dilation_h = 2; }, [](integer::Geometry& g) { g.dilation_w = 2; },
                 [](integer::Geometry& g) { g.groups = 2; }, [](integer::Geometry& g) { g.r = 2; },
                 [](integer::Geometry& g) { g.s = 1; }}) {
            integer::Geometry g = takes;
            change(g);
            CHECK_FALSE(integer::WinogradConvolution::can(g, set, w.data(), {}));
        }
    }

    TEST_CASE("it pays where maps are large and channels many, and sooner where words are multiplied anyway") {
        const integer::Instructions &bytes = set_named("AVX-512 VNNI's twin"), &words = set_named("AVX2's twin");
        const auto pays = [](const integer::Geometry& g, const integer::Instructions& set) {
            return integer::WinogradConvolution::pays(g, set);
        };
        CHECK(pays(of_map(56, 64, 64), bytes));
        CHECK(pays(of_map(28, 128, 128), bytes));
        CHECK_FALSE(pays(of_map(56, 32, 32), bytes));
        CHECK_FALSE(pays(of_map(14, 256, 256), bytes));
        CHECK(pays(of_map(56, 32, 32), words));
        CHECK(pays(of_map(14, 256, 256), words));
        CHECK_FALSE(pays(of_map(7, 512, 512), words));
        CHECK_FALSE(pays(of_map(5, 64, 64), bytes));  // a quarter of its tiles' outputs lie inside the map
    }

    TEST_CASE("a convolution takes it, with weights of eight times the size") {
        Values values(56);
        PlainLayer layer(values, of_map(12, 64, 64), 1);
        const Output expected = layer.expected();
        for (const integer::Instructions* set : sets_with_winograd()) {
            CAPTURE(set->name);
            CHECK(integer::Convolution({layer.g, layer.w}, *set).bytes() > 7 * layer.w.size());
            CHECK((layer.run(*set, 2) == expected));
        }
    }
}
