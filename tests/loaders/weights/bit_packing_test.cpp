// Codes of 2 to 8 bits in bytes (loaders/weights/bit_packing.h), against a loop over single bits.
#include "loaders/weights/bit_packing.h"

#include <doctest/doctest.h>

#include <random>
#include <stdexcept>

using namespace adaq;

namespace {

/// Bit b of the code at i is bit (i n + b) of the bytes: the format's definition, nothing else.
std::vector<std::byte> packed_bit_by_bit(const std::vector<int16_t>& codes, Grid grid) {
    const auto bits = static_cast<size_t>(grid.bits);
    std::vector<std::byte> packed((codes.size() * bits + 7) / 8);
    for (size_t i = 0; i < codes.size(); ++i)
        for (size_t b = 0; b < bits; ++b)
            if ((codes[i] - static_cast<int>(grid.qmin())) >> b & 1)
                packed[(i * bits + b) / 8] |= std::byte{1} << (i * bits + b) % 8;
    return packed;
}

std::vector<int16_t> random_codes(size_t count, Grid grid, std::mt19937& generator) {
    std::uniform_int_distribution<int> draw(static_cast<int>(grid.qmin()), static_cast<int>(grid.qmax()));
    std::vector<int16_t> codes(count);
    for (int16_t& code : codes) code = static_cast<int16_t>(draw(generator));
    return codes;
}

}  // namespace

TEST_SUITE("weights: bit packing") {
    TEST_CASE("packing agrees with the definition, bit by bit, and unpacking is its inverse") {
        std::mt19937 generator(1);
        for (int bits = 2; bits <= 8; ++bits)
            for (bool one_sided : {false, true})
                for (size_t count : {0, 1, 2, 3, 5, 7, 8, 9, 64, 1001}) {
                    const Grid grid{bits, one_sided};
                    const std::vector<int16_t> codes = random_codes(count, grid, generator);
                    const std::vector<std::byte> packed = pack_codes(codes, grid);
                    CAPTURE(bits);
                    CAPTURE(count);
                    CHECK(packed == packed_bit_by_bit(codes, grid));
                    CHECK(packed.size() == packed_bytes(count, bits));
                    CHECK(unpack_codes(packed, count, grid) == codes);
                    CHECK(filled_with_zero_bits(packed, count, bits));
                }
    }

    TEST_CASE("the ends of a grid survive") {
        for (int bits = 2; bits <= 8; ++bits) {
            const Grid grid{bits, false};
            const std::vector<int16_t> codes{static_cast<int16_t>(grid.qmin()), static_cast<int16_t>(grid.qmax()), 0};
            CHECK(unpack_codes(pack_codes(codes, grid), 3, grid) == codes);
        }
    }

    TEST_CASE("a bit set after the last code is seen") {
        const std::vector<int16_t> codes{1, 0, 1};  // 9 bits of 3: 7 are left over
        std::vector<std::byte> packed = pack_codes(codes, {3, true});
        for (int bit = 1; bit < 8; ++bit) {
            std::vector<std::byte> dirty = packed;
            dirty.back() |= std::byte{1} << bit;
            CHECK_FALSE(filled_with_zero_bits(dirty, codes.size(), 3));
        }
    }

    TEST_CASE("a code outside its grid is our own mistake") {
        const std::vector<int16_t> codes{2};
        CHECK_THROWS_AS(pack_codes(codes, {2, false}), std::logic_error);
    }
}
