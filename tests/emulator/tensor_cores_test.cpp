// Sums of tensor cores: the emulator's settings tell how products are added up, and each way gives what it is known
// for.
#include "kernels/emulator/tensor_cores.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <vector>

#include "emulator/device_values.h"
#include "emulator/kernels.h"
#include "emulator/warpgroups.h"
#include "emulator/with_settings.h"
#include "engine/bf16.h"
#include "support/operations.h"

using namespace adaq;
using emulator::kSumColumns;
using emulator::kSumRows;
using emulator::ProductSums;
using test::DeviceValues;
using test::WithSettings;

namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();

emulator::Settings with(ProductSums sums) {
    emulator::Settings settings;
    settings.sums = sums;
    return settings;
}

/// One product's operands and sums.
template <int Depth>
struct Tile {
    float a[kSumRows][Depth] = {}, b[Depth][kSumColumns] = {};
    emulator::SumTile sums = {};

    void add(ProductSums how) { emulator::add_products(how, a, b, sums); }
};

/// The sum of `first` and a[k] * b[k], at row 0 and column 0 of a product.
template <int Depth>
float sum_of(ProductSums how, float first, const std::vector<float>& a, const std::vector<float>& b) {
    Tile<Depth> tile;
    tile.sums[0][0] = first;
    for (size_t k = 0; k < a.size(); ++k) {
        tile.a[0][k] = a[k];
        tile.b[k][0] = b[k];
    }
    tile.add(how);
    return tile.sums[0][0];
}

/// The exponent of a float as tensor cores see it.
int exponent_of(float value) {
    int exponent = 0;
    std::frexp(value, &exponent);
    return value == 0.0f ? -126 : std::max(exponent - 1, -126);
}

/// The same sum by the definition in tensor_cores.h, one value at a time.
float expected_block(int places, float first, const float* a, const float* b, int stride, int count) {
    int top = exponent_of(first);
    for (int k = 0; k < count; ++k) top = std::max(top, exponent_of(a[k]) + exponent_of(b[k * stride]));
    const auto kept = [&](double value) { return std::trunc(std::ldexp(value, places - top)); };
    double sum = kept(static_cast<double>(first));
    for (int k = 0; k < count; ++k) sum += kept(static_cast<double>(a[k]) * static_cast<double>(b[k * stride]));
    if (sum == 0.0) return 0.0f;
    const double value = std::ldexp(sum, top - places);
    int exponent = 0;
    std::frexp(value, &exponent);
    const int last = std::max(exponent - 24, -149);  // of a float's places
    return static_cast<float>(std::ldexp(std::trunc(std::ldexp(value, -last)), last));
}

/// Powers of two between which values lie.
struct Span {
    int lowest, highest;
};
// The last makes products, and sums, that are no longer normal floats.
constexpr Span kSpans[] = {{-2, 1}, {-12, 11}, {-75, 40}};

/// A significand of a few bits at any exponent, or zero.
float wild(test::Values& values, int bits, Span span) {
    if (values.next() % 16 == 0) return 0.0f;
    const float significand = values.whole(0, (1 << bits) - 1) / static_cast<float>(1 << bits);
    const auto exponent = static_cast<int>(values.whole(span.lowest, span.highest));
    return std::ldexp(values.next() % 2 ? 1.0f + significand : -1.0f - significand, exponent);
}

template <int Depth>
void check_random_tiles(ProductSums how, int places, int block, int bits) {
    test::Values values(static_cast<uint64_t>(Depth + places));
    for (int round = 0; round < 60; ++round) {
        const Span span = kSpans[round % 3];
        Tile<Depth> tile;
        for (auto& row : tile.a) {
            for (float& v : row) v = wild(values, bits, span);
        }
        for (auto& row : tile.b) {
            for (float& v : row) v = wild(values, bits, span);
        }
        for (auto& row : tile.sums) {
            for (float& v : row) v = wild(values, 23, span);
        }
        const Tile<Depth> before = tile;
        tile.add(how);
        int wrong = 0;
        for (int m = 0; m < kSumRows; ++m) {
            for (int n = 0; n < kSumColumns; ++n) {
                float sum = before.sums[m][n];
                for (int k = 0; k < Depth; k += block)
                    sum = expected_block(places, sum, &before.a[m][k], &before.b[k][n], kSumColumns, block);
                wrong += tile.sums[m][n] == sum ? 0 : 1;
            }
        }
        CAPTURE(round);
        CHECK(wrong == 0);
    }
}

}  // namespace

TEST_SUITE("emulator: tensor cores") {
    TEST_CASE("what lies below the places that are kept is cut off, not rounded") {
        const float below = 1.0f - 0x1p-24f;                                            // the float before 1
        CHECK(sum_of<8>(ProductSums::rounded, 1.0f, {-0x1p-13f}, {0x1p-12f}) == 1.0f);  // a tie, to even
        CHECK(sum_of<8>(ProductSums::ampere, 1.0f, {-0x1p-13f}, {0x1p-12f}) == 1.0f);   // no place for 2^-25
        CHECK(sum_of<8>(ProductSums::hopper, 1.0f, {-0x1p-13f}, {0x1p-12f}) == below);  // one place for it
        CHECK(sum_of<8>(ProductSums::hopper, 1.0f, {-0x1p-13f}, {0x1p-13f}) == 1.0f);   // none for 2^-26
        const float nearly = 1.5f * 0x1p-12f;  // 3/4 of the distance to the next
        CHECK(sum_of<8>(ProductSums::rounded, 1.0f, {nearly}, {0x1p-12f}) == 1.0f + 0x1p-23f);
        CHECK(sum_of<8>(ProductSums::ampere, 1.0f, {nearly}, {0x1p-12f}) == 1.0f);
        CHECK(sum_of<8>(ProductSums::hopper, 1.0f, {nearly}, {0x1p-12f}) == 1.0f);
        CHECK(sum_of<8>(ProductSums::hopper, -1.0f, {-nearly}, {0x1p-12f}) == -1.0f);  // towards zero
        // Smaller products are cut off beside a larger one even where that is taken away again.
        CHECK(sum_of<8>(ProductSums::hopper, -0x1p24f, {0x1p12f, 0.5f}, {0x1p12f, 0.5f}) == 0.0f);
        CHECK(sum_of<8>(ProductSums::hopper, -0x1p23f, {0x1p12f, 0.5f}, {0x1p11f, 0.5f}) == 0.25f);
    }

    TEST_CASE("Hopper adds all products of an instruction at once, Ampere half of them") {
        const auto products = [](size_t count) {
            std::vector<float> a(count, 1.5f * 0x1p-12f), b(count, 0x1p-12f);
            a[0] = b[0] = 1.0f;
            return std::array{a, b};
        };
        const auto steps = [](int count) { return 1.0f + static_cast<float>(count) * 0x1p-23f; };
        const auto [a8, b8] = products(8);
        CHECK(sum_of<8>(ProductSums::rounded, 0.0f, a8, b8) == steps(7));  // 3/4, rounded up each time
        CHECK(sum_of<8>(ProductSums::ampere, 0.0f, a8, b8) == steps(3));   // 3 halves, cut off to 1; then 4 halves
        CHECK(sum_of<8>(ProductSums::hopper, 0.0f, a8, b8) == steps(5));   // 7 times 3/4
        const auto [a16, b16] = products(16);
        CHECK(sum_of<16>(ProductSums::rounded, 0.0f, a16, b16) == steps(15));
        CHECK(sum_of<16>(ProductSums::ampere, 0.0f, a16, b16) == steps(7));   // 7 halves, then 8
        CHECK(sum_of<16>(ProductSums::hopper, 0.0f, a16, b16) == steps(11));  // 15 times 3/4
    }

    TEST_CASE("any tile is summed as the definition says, subnormals and zeros included") {
        check_random_tiles<8>(ProductSums::hopper, 25, 8, 10);
        check_random_tiles<8>(ProductSums::ampere, 24, 4, 10);
        check_random_tiles<16>(ProductSums::hopper, 25, 16, 7);
        check_random_tiles<16>(ProductSums::ampere, 24, 8, 7);
    }

    TEST_CASE("sums beyond a float, and what is not finite") {
        for (ProductSums how : {ProductSums::rounded, ProductSums::ampere, ProductSums::hopper}) {
            CHECK(sum_of<8>(how, 0.0f, {0x1p127f}, {2.0f}) == kInfinity);
            CHECK(sum_of<8>(how, -0x1p127f, {-0x1p127f}, {2.0f}) == -kInfinity);
            CHECK(std::isnan(sum_of<8>(how, kInfinity, {-kInfinity}, {1.0f})));
            CHECK(std::isnan(sum_of<8>(how, 0.0f, {kInfinity}, {0.0f})));
        }
        CHECK(sum_of<8>(ProductSums::hopper, 0x1p127f, {0x1.fffp126f}, {1.0f}) < kInfinity);
        for (ProductSums how :
             {ProductSums::ampere, ProductSums::hopper}) {  // an infinity changes its own row and column alone
            Tile<8> tile;
            for (auto& row : tile.a) row[0] = 1.5f * 0x1p-12f;
            for (float& v : tile.b[0]) v = 0x1p-12f;
            for (auto& row : tile.sums) std::fill(std::begin(row), std::end(row), 1.0f);
            tile.a[3][1] = kInfinity;
            std::fill(std::begin(tile.b[1]), std::end(tile.b[1]), 1.0f);
            tile.sums[5][6] = -kInfinity;
            tile.add(how);
            for (int m = 0; m < kSumRows; ++m) {
                for (int n = 0; n < kSumColumns; ++n)
                    CHECK(tile.sums[m][n] == (m == 3 ? kInfinity : m == 5 && n == 6 ? -kInfinity : 1.0f));
            }
        }
    }

    TEST_CASE("instructions of warps and warpgroups add up as the settings say") {
        const auto first_row = [](size_t columns, size_t pitch, float first, float others, size_t depth) {
            std::vector<float> values(columns * pitch);
            for (size_t k = 0; k < depth; ++k) values[k] = k == 0 ? first : others;
            return values;
        };
        const auto steps = [](int count) { return 1.0f + static_cast<float>(count) * 0x1p-23f; };
        struct Case {
            ProductSums sums;
            int bf16, tf32, warpgroup;
        };
        for (const Case& c :
             {Case{ProductSums::rounded, 15, 7, 7}, {ProductSums::ampere, 7, 3, 5}, {ProductSums::hopper, 11, 5, 5}}) {
            const WithSettings set(with(c.sums));
            CAPTURE(static_cast<int>(c.sums));

            std::vector<uint16_t> a16(16 * 16), b16(16 * 8);
            for (size_t k = 0; k < 16; ++k) {
                a16[k] = to_bf16(k == 0 ? 1.0f : 1.5f * 0x1p-12f).bits;
                b16[k * 8] = to_bf16(k == 0 ? 1.0f : 0x1p-12f).bits;
            }
            const DeviceValues<uint16_t> on_a16(a16), on_b16(b16);
            const DeviceValues<float> d16(16 * 8);
            cuda::multiply_bf16(on_a16.get(), on_b16.get(), d16.get());
            CHECK(d16.read()[0] == steps(c.bf16));

            std::vector<float> b8(8 * 8);
            for (size_t k = 0; k < 8; ++k) b8[k * 8] = k == 0 ? 1.0f : 0x1p-12f;
            const DeviceValues<float> on_a8(first_row(16, 8, 1.0f, 1.5f * 0x1p-12f, 8)), on_b8(b8), d8(16 * 8);
            cuda::multiply_tf32(on_a8.get(), on_b8.get(), d8.get());
            CHECK(d8.read()[0] == steps(c.tf32));

            const DeviceValues<float> on_a(first_row(64, 8, 1.0f, 1.5f * 0x1p-12f, 8)),
                on_b(first_row(64, 32, 1.0f, 0x1p-12f, 8)), d(std::vector<float>(64 * 64));
            cuda::multiply_by_warpgroup(on_a.get(), on_b.get(), d.get(), cuda::Forgotten::nothing);
            CHECK(d.read()[0] == steps(c.warpgroup));
        }
    }
}
