// Integer convolutions on every instruction set of this processor and on the scalar twins of all others.
#include "kernels/cpu/integer/convolution.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>

#include "kernels/cpu/integer/layers.h"
#include "kernels/cpu/integer/sets.h"

using namespace adaq;
using namespace adaq::test;

namespace {

std::string text_of(const integer::Geometry& g, int64_t images) {
    return fmt::format("{} x [{},{},{}] by [{},{},{}] stride {},{} padding {},{},{},{} dilation {},{} groups {}",
                       images, g.h, g.w, g.c, g.k, g.r, g.s, g.stride_h, g.stride_w, g.top, g.left, g.bottom, g.right,
                       g.dilation_h, g.dilation_w, g.groups);
}

void check_layer(const Layer& layer) {
    CAPTURE(text_of(layer.g, layer.images));
    const Output expected = layer.expected();
    for (const integer::Instructions* set : every_set()) {
        CAPTURE(set->name);
        CHECK((layer.run(*set, 1) == expected));
    }
}

}  // namespace

TEST_SUITE("integer convolution") {
    TEST_CASE("random layers agree with sums in 64 bits, on every instruction set and twin") {
        Values values(23);
        for (int i = 0; i < 300; ++i) check_layer(Layer(values, draw_geometry(values, false), draw(values, 1, 3)));
    }

    TEST_CASE("grouped and depthwise layers agree with sums in 64 bits") {
        Values values(24);
        for (int i = 0; i < 90; ++i) check_layer(Layer(values, draw_geometry(values, true), draw(values, 1, 2)));
    }

    TEST_CASE("depthwise layers of real networks agree, by products of words and of bytes") {
        Values values(34);
        for (const int64_t channels : {8, 16, 24, 32, 40, 60, 64, 96, 144, 150}) {
            for (const int64_t edge : {1, 3, 5, 2}) {
                for (const int64_t stride : {1, 2}) {
                    integer::Geometry g{.h = 6,
                                        .w = draw(values, static_cast<int>(std::max<int64_t>(edge, 3)), 24),
                                        .c = channels,
                                        .k = channels,
                                        .r = edge,
                                        .s = edge,
                                        .stride_h = stride,
                                        .stride_w = stride};
                    g.top = g.left = g.bottom = g.right = draw(values, 0, static_cast<int>(edge));
                    g.groups = channels;
                    Layer layer(values, g, draw(values, 1, 2));
                    if (draw(values, 0, 3) > 0) layer.w_zero.clear();
                    integer::Epilogue& epilogue = layer.data.epilogue;
                    if (draw(values, 0, 4) > 0) {
                        epilogue.residual = {};
                        epilogue.summand = -0.0f;
                        epilogue.factor = 1.0f;
                    }
                    epilogue.quantiser = integer::Quantiser{epilogue.scale != nullptr ? 0.02f : 90.0f, 3, 0, 255};
                    epilogue.quantiser->products = true;
                    if (draw(values, 0, 2) > 0) epilogue.quantiser->factor = 1.0f / epilogue.quantiser->scale;
                    if (epilogue.quantiser->factor != 0.0f && draw(values, 0, 1) == 0) layer.data.shift_codes(values);
                    check_layer(layer);
                }
            }
        }
    }

    TEST_CASE("shapes of real networks agree: stems, small maps, strides, one position") {
        Values values(25);
        const std::vector<integer::Geometry> shapes{
            {.h = 30,
             .w = 31,
             .c = 3,
             .k = 64,
             .r = 7,
             .s = 7,
             .stride_h = 2,
             .stride_w = 2,
             .top = 3,
             .left = 3,
             .bottom = 3,
             .right = 3},
            {.h = 21, .w = 9, .c = 3, .k = 24, .r = 3, .s = 3, .stride_h = 2, .stride_w = 2, .bottom = 1},
            {.h = 20, .w = 11, .c = 4, .k = 16, .r = 3, .s = 3, .stride_h = 2, .stride_w = 1, .top = 1, .right = 2},
            {.h = 9, .w = 10, .c = 1, .k = 40, .r = 8, .s = 5, .stride_h = 4, .stride_w = 2, .top = 2, .bottom = 5},
            {.h = 6, .w = 5, .c = 5, .k = 8, .r = 6, .s = 2, .stride_h = 2, .top = 5, .left = 1, .bottom = 4},
            {.h = 14, .w = 14, .c = 64, .k = 48, .r = 3, .s = 3, .top = 1, .left = 1, .bottom = 1, .right = 1},
            {.h = 7, .w = 7, .c = 96, .k = 64, .r = 3, .s = 3, .top = 1, .left = 1, .bottom = 1, .right = 1},
            {.h = 7,
             .w = 7,
             .c = 128,
             .k = 33,
             .r = 3,
             .s = 3,
             .stride_h = 2,
             .stride_w = 2,
             .top = 1,
             .left = 1,
             .bottom = 1,
             .right = 1},
            {.h = 14, .w = 14, .c = 128, .k = 64, .stride_h = 2, .stride_w = 2},
            {.h = 9, .w = 9, .c = 65, .k = 70},
            {.h = 1, .w = 1, .c = 512, .k = 100},
            {.h = 1, .w = 1, .c = 33, .k = 17, .r = 3, .s = 3, .top = 1, .left = 1, .bottom = 1, .right = 1},
            {.h = 5, .w = 4, .c = 8, .k = 8, .r = 3, .s = 3, .top = 4, .left = 5, .bottom = 6, .right = 7}};
        for (const integer::Geometry& g : shapes)
            for (const int64_t images : {1, 5}) check_layer(Layer(values, g, images));
    }

    TEST_CASE("no sum saturates: the largest codes by the largest weights, of either sign") {
        Values values(26);
        for (const int weight : {-128, 127}) {
            const integer::Geometry g{
                .h = 6, .w = 9, .c = 192, .k = 40, .r = 3, .s = 3, .top = 1, .left = 1, .bottom = 1, .right = 1};
            Layer layer(values, g, 1);
            std::fill(layer.x.begin(), layer.x.end(), uint8_t{255});
            std::fill(layer.w.begin(), layer.w.end(), static_cast<int8_t>(weight));
            check_layer(layer);
        }
    }

    TEST_CASE("codes end at 0 and at the last, however far a value lies beyond, and where it is no integer any more") {
        Values values(31);
        for (int i = 0; i < 24; ++i) {
            Layer layer(values, draw_geometry(values, i % 2 == 0), 1);
            layer.data.epilogue.residual = {};
            for (const float scale : {0.5f, 1e-3f, 1e-9f, 1e-30f}) {
                for (const integer::Quantiser q : {integer::Quantiser{scale, 0, 0, 255},
                                                   {scale, -3, 0, 255},
                                                   {scale, 0, 0, 15},
                                                   {scale, 0, -128, 127}}) {
                    layer.data.epilogue.quantiser = q;
                    CAPTURE(scale);
                    CAPTURE(q.qmin);
                    CAPTURE(q.zero_point);
                    CAPTURE(q.qmax);
                    check_layer(layer);
                    layer.data.epilogue.quantiser->products = integer::products_have_codes(q);
                    CHECK(layer.data.epilogue.quantiser->products);
                    check_layer(layer);
                }
            }
        }
    }

    TEST_CASE("a clamp from above 0 holds where codes are whole bytes") {
        Values values(35);
        for (const bool depthwise : {false, true}) {
            integer::Geometry g{.h = 4, .w = 9, .c = 24, .k = 24, .r = 3, .s = 3};
            if (depthwise) g.groups = g.c;
            Layer layer(values, g, 1);
            layer.w_zero.clear();
            layer.data.epilogue = {};
            const std::vector<float> scales(24, 1e-4f);
            layer.data.epilogue.scale = scales.data();
            layer.data.epilogue.lowest = 0.1f;
            layer.data.epilogue.quantiser = integer::Quantiser{0.02f, 0, 0, 255};
            layer.data.epilogue.quantiser->products = integer::products_have_codes(*layer.data.epilogue.quantiser);
            check_layer(layer);
        }
    }

    TEST_CASE("codes are those of a division at and beside every tie, by products too") {
        Values values(32);
        for (int i = 0; i < 40; ++i) {
            integer::Quantiser q{(values.real() + 1.5f) * std::ldexp(1.0f, draw(values, -30, 30)), 0, 0, 255};
            if (i % 2 == 0) q.qmin = -128, q.qmax = 127, q.zero_point = draw(values, -128, 127);
            q.products = integer::products_have_codes(q);
            CHECK(q.products);
            const std::vector<float> shifts = near_ties(q);  // of sums that are 0
            Layer layer(values, {.h = 1, .w = 5, .c = 1, .k = static_cast<int64_t>(shifts.size())}, 1);
            std::fill(layer.w.begin(), layer.w.end(), int8_t{0});
            layer.w_zero.clear();
            const std::vector<float> scales(shifts.size(), q.scale / 1024);
            layer.data.epilogue = {};
            layer.data.epilogue.scale = scales.data();
            layer.data.epilogue.shift = shifts.data();
            layer.data.epilogue.quantiser = q;
            CAPTURE(q.scale);
            check_layer(layer);
        }
    }

    TEST_CASE("products are not taken for scales whose reciprocal has too few digits") {
        for (const float scale : {0.0f, 1e-40f, 0x1p-101f, 0x1p101f, std::numeric_limits<float>::infinity(),
                                  std::numeric_limits<float>::quiet_NaN()}) {
            const integer::Quantiser q{scale, 0, 0, 255};
            CHECK_FALSE(integer::products_have_codes(q));
        }
        for (const float scale : {0x1p-100f, 1.0f, 0x1p100f}) CHECK(integer::products_have_codes({scale, 0, 0, 255}));
    }

    TEST_CASE("products that are too large for integers have the codes of a division") {
        Values values(33);
        Layer layer(values, {.h = 3, .w = 5, .c = 40, .k = 48}, 2);
        for (const float shift : {0.0f, 3e9f, -3e9f, 3e38f, -3e38f}) {
            for (const float scale : {1e-4f, 1.0f, 1e6f, 1e33f}) {
                const std::vector<float> scales(48, scale), shifts(48, shift);
                layer.data.epilogue = {};
                layer.data.epilogue.scale = scales.data();
                layer.data.epilogue.shift = shifts.data();
                layer.data.epilogue.quantiser = integer::Quantiser{0.5f, 0, 0, 255};
                layer.data.epilogue.quantiser->products = true;
                CAPTURE(scale);
                CAPTURE(shift);
                check_layer(layer);
            }
        }
    }

    TEST_CASE("results do not depend on threads or on which images run together") {
        Values values(27);
        for (int i = 0; i < 40; ++i) {
            const integer::Geometry g = draw_geometry(values, i % 8 == 0);
            const Layer layer(values, g, 4);
            const integer::Instructions& set = integer::instructions(integer::best_level());
            const Output all = layer.run(set, 1);
            CAPTURE(text_of(g, layer.images));
            for (const int threads : {2, 3, 7}) CHECK((layer.run(set, threads) == all));

            const integer::Convolution convolution(layer.settings(), set);
            Output apart(outputs_of(g, 4));
            for (int64_t first = 0; first < 4;) {
                const int64_t images = first == 0 ? 1 : 3, before = outputs_of(g, first);
                integer::Epilogue epilogue = layer.data.epilogue;
                if (epilogue.residual.values != nullptr) epilogue.residual.values += before;
                if (epilogue.residual.codes != nullptr) epilogue.residual.codes += before;
                integer::Result y = apart.result();
                y.values += before, y.codes += before;
                const integer::AlignedBytes workspace(convolution.workspace_bytes(images, 1));
                convolution.run(layer.x.data() + first * g.h * g.w * g.c, images, epilogue, y, workspace.data(), 1);
                first += images;
            }
            CHECK((apart == all));
        }
    }

    TEST_CASE("wide sums are exact beyond 32 bits") {
        Values values(28);
        const integer::Geometry g{.h = 1, .w = 1, .c = 70000, .k = 2};
        Layer layer(values, g, 1);
        layer.w_zero.assign(2, -128);
        layer.bias.clear();
        layer.x_zero = 0;
        std::fill(layer.x.begin(), layer.x.end(), uint8_t{255});
        std::fill(layer.w.begin(), layer.w.end(), int8_t{127});
        layer.data.epilogue = {};
        Output y = layer.run(integer::instructions(integer::Level::baseline), 1, true);
        CHECK((y == layer.expected()));
        CHECK(y.result().values[0] == static_cast<float>(int64_t{70000} * 255 * 255));
    }

    TEST_CASE("plain loops for wide sums agree with the others") {
        Values values(30);
        for (int i = 0; i < 60; ++i) {
            const Layer layer(values, draw_geometry(values, i % 3 == 0), draw(values, 1, 2));
            CAPTURE(text_of(layer.g, layer.images));
            CHECK((layer.run(integer::instructions(integer::best_level()), draw(values, 1, 2), true) ==
                   layer.expected()));
        }
    }

    TEST_CASE("a workspace of the stated size is enough, and what is behind it stays") {
        Values values(29);
        for (int i = 0; i < 60; ++i) {
            const Layer layer(values, draw_geometry(values, i % 3 == 0), draw(values, 1, 3));
            for (const integer::Instructions* set : every_set()) {
                const integer::Convolution convolution(layer.settings(), *set);
                const size_t bytes = convolution.workspace_bytes(layer.images, 2);
                const integer::AlignedBytes workspace(bytes + 64);
                std::fill_n(workspace.data() + bytes, 64, uint8_t{0x5A});
                Output y(outputs_of(layer.g, layer.images));
                convolution.run(layer.x.data(), layer.images, layer.data.epilogue, y.result(), workspace.data(), 2);
                CHECK(std::all_of(workspace.data() + bytes, workspace.data() + bytes + 64,
                                  [](uint8_t byte) { return byte == 0x5A; }));
            }
        }
    }

    TEST_CASE("settings that fit no convolution are refused") {
        const integer::Geometry g{.h = 3, .w = 3, .c = 1, .k = 2, .r = 3, .s = 3};
        const std::vector<int8_t> w(18);
        CHECK_NOTHROW(integer::Convolution({.geometry = g, .w = w, .x_zero = 7, .x_most = 7}));
        CHECK_THROWS_AS(integer::Convolution({.geometry = g, .w = w, .x_zero = 8, .x_most = 7}), std::logic_error);
        CHECK_THROWS_AS(integer::Convolution({.geometry = g, .w = w, .x_zero = -1}), std::logic_error);
        CHECK_THROWS_AS(integer::Convolution({.geometry = g, .w = w, .x_most = 256}), std::logic_error);
        const std::vector<int32_t> three(3);
        CHECK_THROWS_AS(integer::Convolution({.geometry = g, .w = w, .w_zero = three}), std::logic_error);
        CHECK_THROWS_AS(integer::Convolution({.geometry = g, .w = w, .bias = three}), std::logic_error);
    }

    TEST_CASE("a geometry that fits no convolution is refused") {
        const std::vector<int8_t> w(18);
        const integer::Geometry fits{.h = 3, .w = 3, .c = 1, .k = 2, .r = 3, .s = 3};
        CHECK_NOTHROW(integer::Convolution({fits, w}));
        for (const auto& change : std::vector<void (*)(integer::Geometry&)>{
                 [](integer::Geometry& g) { g.h = 2; }, [](integer::Geometry& g) { g.dilation_w = 2; },
                 [](integer::Geometry& g) { g.stride_h = 0; }, [](integer::Geometry& g) { g.left = -1; },
                 [](integer::Geometry& g) { g.groups = 2; }, [](integer::Geometry& g) { g.k = 3; }}) {
            integer::Geometry g = fits;
            change(g);
            CHECK_THROWS_AS(integer::Convolution({g, w}), std::logic_error);
        }
    }
}
