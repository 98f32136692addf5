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

/// One of an instruction set's two.
struct Form {
    const char* set;
    const integer::WinogradKernels* kernels;
    const integer::ProductKernels* integers;
    bool bytes() const { return kernels->products.element == integer::Element::byte; }
};

std::vector<Form> forms() {
    std::vector<Form> all;
    for (const integer::Instructions* set : every_set())
        for (const integer::WinogradKernels* kernels : {&set->winograd_words, &set->winograd_bytes})
            if (kernels->run != nullptr) all.push_back({set->name, kernels, &set->integers});
    return all;
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

/// Of weights without zero points, and of codes and weights of so many bits.
struct PlainLayer : Layer {
    PlainLayer(Values& values, const integer::Geometry& geometry, int64_t image_count, int code_bits = 8,
               int weight_bits = 8)
        : Layer(values, geometry, image_count) {
        w_zero.clear();
        x_most = (1 << code_bits) - 1;
        for (uint8_t& code : x) code = static_cast<uint8_t>(code >> (8 - code_bits));
        for (int8_t& weight : w) weight = static_cast<int8_t>(weight >> (8 - weight_bits));
        x_zero >>= 8 - code_bits;
    }
    integer::WinogradLayer winograd() const { return {g, w.data(), w_zero, x_most}; }
    bool fits(const Form& form) const { return integer::WinogradConvolution::is_exact(winograd(), *form.kernels); }
};

/// What stands behind the workspace is looked at, too.
Output run_winograd(const PlainLayer& layer, const Form& form, int threads) {
    const integer::WinogradConvolution convolution(layer.winograd(), *form.kernels, layer.x_zero, layer.bias);
    const size_t bytes = integer::WinogradConvolution::workspace_bytes(layer.g, *form.kernels, layer.images, threads);
    const integer::AlignedBytes workspace(bytes + 64);
    std::fill_n(workspace.data(), bytes + 64, uint8_t{0x5A});
    Output y(outputs_of(layer.g, layer.images));
    convolution.run(layer.x.data(), layer.images, layer.data.epilogue, y.result(), workspace.data(), threads);
    CHECK(std::all_of(workspace.data() + bytes, workspace.data() + bytes + 64,
                      [](uint8_t byte) { return byte == 0x5A; }));
    return y;
}

/// bytes: those of tiles of bytes alone, else those of words.
void check_winograd(const PlainLayer& layer, bool bytes, int threads = 1) {
    CAPTURE(fmt::format("{} x [{},{},{}] by {} padding {},{},{},{}", layer.images, layer.g.h, layer.g.w, layer.g.c,
                        layer.g.k, layer.g.top, layer.g.left, layer.g.bottom, layer.g.right));
    const Output expected = layer.expected();
    for (const Form& form : forms()) {
        if (form.bytes() != bytes) continue;
        CAPTURE(form.set);
        REQUIRE(layer.fits(form));
        CHECK((run_winograd(layer, form, threads) == expected));
    }
}

/// Of both.
void check_forms(Values& values, const integer::Geometry& g, int64_t images, int threads = 1) {
    check_winograd(PlainLayer(values, g, images), false, threads);
    check_winograd(PlainLayer(values, g, images, draw(values, 2, 6), draw(values, 2, 4)), true, threads);
}

}  // namespace

TEST_SUITE("integer Winograd") {
    TEST_CASE("random maps, channels and paddings agree with sums in 64 bits, for any threads") {
        Values values(51);
        for (int i = 0; i < 60; ++i) {
            integer::Geometry g{};
            g.r = g.s = 3;
            g.h = draw(values, 1, 13), g.w = draw(values, 1, i % 6 == 0 ? 40 : 13);
            g.top = draw(values, g.h < 3 ? 2 : 0, 3), g.left = draw(values, g.w < 3 ? 2 : 0, 3);
            g.bottom = draw(values, 0, 3), g.right = draw(values, 0, 3);
            g.c = draw(values, 0, 1) == 0 ? draw(values, 1, 9) : draw(values, 10, 90);
            g.k = draw(values, 0, 1) == 0 ? draw(values, 1, 20) : draw(values, 20, 80);
            check_forms(values, g, draw(values, 1, 3), draw(values, 1, 5));
        }
    }

    TEST_CASE("maps of one row, whose tiles of several images follow each other in y") {
        Values values(52);
        for (const int64_t width : {1, 2, 4, 5, 8}) {
            integer::Geometry g = of_map(1, 6, 20);
            g.w = width;
            check_forms(values, g, 5);
        }
    }

    TEST_CASE("more tiles than are transformed at once, and more threads than those") {
        Values values(53);
        for (const int threads : {1, 3}) {
            check_forms(values, of_map(30, 70, 40), 2, threads);
            check_forms(values, of_map(4, 40, 100), 1, threads);
            check_forms(values, of_map(30, 40, 100), 1, 4 * threads);  // parts of tiles, and of channels
        }
    }

    TEST_CASE("every plane holds its largest elements, of either sign") {
        constexpr int kB6[] = {4, 0,  -5, 0, 1, 0, 0, -4, -4, 1,  1, 0, 0, 4, -4, -1, 1, 0,
                               0, -2, -1, 2, 1, 0, 0, 2,  -1, -2, 1, 0, 0, 4, 0,  -5, 0, 1};
        constexpr int kB4[] = {1, 0, -1, 0, 0, 1, 1, 0, 0, -1, 1, 0, 0, 1, 0, -1};
        constexpr int kG6[] = {6, 0, 0, 1, 1, 1, 1, -1, 1, 1, 2, 4, 1, -2, 4, 0, 0, 6};
        constexpr int kG4[] = {2, 0, 0, 1, 1, 1, 1, -1, 1, 0, 0, 2};
        Values values(54);
        const auto check = [&](int edge, const int* b, const int* g, int code_bits, int weight_bits) {
            for (int plane = 0; plane < edge * edge; ++plane) {
                const int *const row = b + plane / edge * edge, *const column = b + plane % edge * edge,
                                 *const g_row = g + plane / edge * 3, *const g_column = g + plane % edge * 3;
                for (const int sign : {1, -1}) {
                    PlainLayer layer(values, {.h = edge, .w = edge, .c = 5, .k = 3, .r = 3, .s = 3}, 1, code_bits,
                                     weight_bits);
                    for (int64_t i = 0; i < int64_t{edge} * edge; ++i)
                        for (int64_t c = 0; c < 5; ++c)
                            layer.x[static_cast<size_t>(i * 5 + c)] =
                                static_cast<uint8_t>(sign * row[i / edge] * column[i % edge] > 0 ? layer.x_most : 0);
                    const int most = 1 << (weight_bits - 1);
                    for (int i = 0; i < 3 * 9 * 5; ++i) {
                        const int tap = i / 5 % 9, k = i / 45;
                        layer.w[static_cast<size_t>(i)] = static_cast<int8_t>(
                            g_row[tap / 3] * g_column[tap % 3] * (k == 0 ? 1 : -1) > 0 ? most - 1 : -most);
                    }
                    check_winograd(layer, edge == 4);
                }
            }
        };
        check(6, kB6, kG6, 8, 8);
        check(4, kB4, kG4, 6, 4);
    }

    TEST_CASE("sums are exact up to the bound of words, and no layer beyond it is taken") {
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
            check_winograd(layer, false);
            layer.x_zero = 255;  // what a sum begins with is beyond the bound
            check_winograd(layer, false);

            PlainLayer beyond(values, of_map(5, bound.channels + 1, 4), 1);
            std::fill(beyond.w.begin(), beyond.w.end(), static_cast<int8_t>(bound.weight));
            for (const Form& form : forms()) CHECK_FALSE(beyond.fits(form));
        }
    }

    TEST_CASE("the bound is of the largest sum that any input gives, of either sign and any filter") {
        Values values(59);
        for (const Form& form : forms()) {
            if (form.bytes()) continue;
            CAPTURE(form.set);
            // 64 * 2^11 = 2^17 for a weight of 64; x_most = 128 makes 2^25 of 2^18.
            PlainLayer layer(values, of_map(4, 456, 2), 1);  // 4104 weights a filter
            const size_t row = layer.w.size() / 2;
            layer.x_most = 128;
            std::fill(layer.w.begin(), layer.w.end(), int8_t{0});
            const auto set = [&](size_t first, size_t count, int weight) {
                std::fill_n(layer.w.begin() + static_cast<std::ptrdiff_t>(row + first), count,
                            static_cast<int8_t>(weight));
            };
            set(0, 2048, 127), set(2048, 32, 64);  // 2^18: 2^25 at most
            CHECK_FALSE(layer.fits(form));
            layer.w[row] = 126;
            CHECK(layer.fits(form));
            set(2080, 2024, -127);  // sums of either sign are bounded apart
            CHECK(layer.fits(form));
            set(0, 2080, -127), set(2080, 64, 1);
            CHECK_FALSE(layer.fits(form));
        }
    }

    TEST_CASE("weights whose planes are no bytes are left to words") {
        Values values(57);
        PlainLayer layer(values, of_map(6, 3, 4), 1, 6);
        layer.x_zero = 5;
        std::fill(layer.w.begin(), layer.w.end(), int8_t{14});  // 9 * 14 = 126
        check_winograd(layer, true);
        layer.w[40] = 16;  // 8 * 14 + 16 = 128
        for (const Form& form : forms()) CHECK(layer.fits(form) == !form.bytes());
        layer.w[40] = -14;
        check_winograd(layer, true);
        std::fill(layer.w.begin(), layer.w.end(), int8_t{-14});
        layer.w[40] = -16;  // -128
        check_winograd(layer, true);
        layer.w[40] = -17;
        for (const Form& form : forms()) CHECK(layer.fits(form) == !form.bytes());
    }

    TEST_CASE("only 3x3 windows without strides, dilation and groups are taken, and no zero points of weights") {
        Values values(58);
        const PlainLayer layer(values, of_map(56, 64, 64), 1, 4, 4);
        for (const Form& form : forms()) {
            const auto pays = [&](const integer::Geometry& g, int x_most) {
                return integer::WinogradConvolution::gain(g, x_most, *form.kernels, *form.integers) > 0.0;
            };
            CAPTURE(form.set);
            CHECK(pays(layer.g, 15));
            CHECK(pays(layer.g, 63));
            CHECK(pays(layer.g, 64) == !form.bytes());
            CHECK(pays(layer.g, 255) == !form.bytes());
            for (const auto& change : std::vector<void (*)(integer::Geometry&)>{
                     [](integer::Geometry& g) { g.stride_h = 2; }, [](integer::Geometry& g) { g.stride_w = 2; },
                     [](integer::Geometry& g) { g.dilation_h = 2; }, [](integer::Geometry& g) { g.dilation_w = 2; },
                     [](integer::Geometry& g) { g.groups = 2; }, [](integer::Geometry& g) { g.r = 2; },
                     [](integer::Geometry& g) { g.s = 1; }}) {
                integer::Geometry g = layer.g;
                change(g);
                CHECK_FALSE(pays(g, 15));
            }
            std::vector<int32_t> w_zero(64);
            CHECK(integer::WinogradConvolution::is_exact({layer.g, layer.w.data(), w_zero, 15}, *form.kernels));
            w_zero[63] = 1;
            CHECK_FALSE(integer::WinogradConvolution::is_exact({layer.g, layer.w.data(), w_zero, 15}, *form.kernels));
        }
        for (const Form& form : forms()) CHECK(form.set != std::string_view("AMX"));
    }

    TEST_CASE("it pays where maps are large and channels many, and sooner where words are multiplied anyway") {
        const integer::Instructions &vnni = set_named("AVX-512 VNNI's twin"), &avx2 = set_named("AVX2's twin");
        const auto words_pay = [](const integer::Geometry& g, const integer::Instructions& set) {
            return integer::WinogradConvolution::gain(g, 255, set.winograd_words, set.integers) > 0.0;
        };
        CHECK(words_pay(of_map(56, 64, 64), vnni));
        CHECK(words_pay(of_map(28, 128, 128), vnni));
        CHECK_FALSE(words_pay(of_map(56, 32, 32), vnni));
        CHECK_FALSE(words_pay(of_map(14, 256, 256), vnni));
        CHECK(words_pay(of_map(56, 32, 32), avx2));
        CHECK(words_pay(of_map(14, 256, 256), avx2));
        CHECK_FALSE(words_pay(of_map(7, 512, 512), avx2));
        CHECK_FALSE(words_pay(of_map(5, 64, 64), vnni));  // two fifths of its tiles' outputs lie inside the map
        const auto bytes_pay = [&](const integer::Geometry& g) {
            return integer::WinogradConvolution::gain(g, 15, vnni.winograd_bytes, vnni.integers) > 0.0;
        };
        CHECK(bytes_pay(of_map(14, 256, 256)));
        CHECK_FALSE(bytes_pay(of_map(56, 8, 8)));
    }

    TEST_CASE("a convolution takes the form that is faster, and its workspace does not depend on weights") {
        Values values(56);
        for (const integer::Instructions* set : every_set()) {
            CAPTURE(set->name);
            const bool words = set->winograd_words.run != nullptr, bytes = set->winograd_bytes.run != nullptr;
            for (const int bits : {8, 4}) {
                PlainLayer layer(values, of_map(12, 128, 64), 1, bits, bits);
                const auto made = [&] { return integer::Convolution(layer.settings(), *set); };
                const size_t size = made().bytes(), workspace = made().workspace_bytes(1, 2);
                if (bits == 4 && bytes) {
                    CHECK(size > layer.w.size() * 16 / 9);
                    CHECK(size < layer.w.size() * 3);
                } else if (words) {
                    CHECK(size > layer.w.size() * 8);
                }
                CHECK((layer.run(*set, 2) == layer.expected()));
                if (words && bits == 4) {
                    layer.w[5] = 120;  // too large for bytes
                    CHECK(made().bytes() > layer.w.size() * 8);
                    CHECK(made().workspace_bytes(1, 2) == workspace);
                    CHECK((layer.run(*set, 2) == layer.expected()));
                }
                layer.w_zero.assign(64, 1);
                CHECK(made().workspace_bytes(1, 2) == workspace);
                CHECK(made().bytes() < layer.w.size() * 3);
                CHECK((layer.run(*set, 2) == layer.expected()));
            }
        }
        const auto bytes_of = [&](const integer::Geometry& g) {
            PlainLayer layer(values, g, 1, 4, 4);
            layer.w_zero.clear();
            return integer::Convolution({g, layer.w, {}, layer.x_zero, 15}, set_named("AVX-512 VNNI's twin")).bytes() /
                   layer.w.size();
        };
        CHECK(bytes_of(of_map(56, 64, 64)) >= 8);    // words
        CHECK(bytes_of(of_map(28, 128, 128)) == 1);  // bytes
        CHECK(bytes_of(of_map(56, 32, 32)) == 1);    // neither
    }
}
