// Scalar twins of the instruction sets' vectors: the same operations, written with arrays of as many lanes, for
// finish.h and tile.h, and of AMX's tiles for amx_tile.h. The tests run them, so that every kernel is tested on every
// machine; the baseline takes what it has no instructions for. Internal linkage, as finish.h.
#pragma once

#include "kernels/cpu/integer/amx_tile.h"

namespace adaq::cpu::integer {
namespace {  // NOLINT: a header of internal linkage throughout

template <class Value, int lanes>
struct Lanes {
    Value at[lanes];
};

/// dots: of a set that multiplies bytes.
template <int lanes, bool dots = false>
struct FloatsTwin {
    static constexpr int kLanes = lanes;
    static constexpr bool kSaturates = lanes == 16;
    static constexpr bool kFuses = lanes >= 8;
    using Floats = Lanes<float, lanes>;
    using Ints = Lanes<int32_t, lanes>;

    template <class Function>
    static Floats each(Function f) {
        Floats result;
        for (int i = 0; i < lanes; ++i) result.at[i] = f(i);
        return result;
    }
    template <class Function>
    static Ints each_int(Function f) {
        Ints result;
        for (int i = 0; i < lanes; ++i) result.at[i] = f(i);
        return result;
    }

    static Floats all(float v) {
        return each([&](int) { return v; });
    }
    static Ints all_ints(int32_t v) {
        return each_int([&](int) { return v; });
    }
    static Floats load(const float* p, int count) {
        return each([&](int i) { return i < count ? p[i] : 0.0f; });
    }
    static Floats load_codes(const uint8_t* p, int count) {
        return each([&](int i) { return i < count ? static_cast<float>(p[i]) : 0.0f; });
    }
    static Ints load_ints(const int32_t* p) {
        return each_int([&](int i) { return p[i]; });
    }
    static void store_ints(int32_t* p, const Ints& v) { __builtin_memcpy(p, &v, sizeof v); }
    static void store(float* p, const Floats& v, int count) {
        for (int i = 0; i < count; ++i) p[i] = v.at[i];
    }
    static void store_codes(uint8_t* p, const Ints& v, int count) {
        for (int i = 0; i < count; ++i) p[i] = static_cast<uint8_t>(v.at[i]);
    }
    static void store_saturated(uint8_t* p, const Ints& v, int count) {
        for (int i = 0; i < count; ++i) {
            const auto code = static_cast<uint32_t>(v.at[i]);
            p[i] = static_cast<uint8_t>(code < 255 ? code : 255);
        }
    }
    struct CodeRange {
        int offset, lowest, highest;
    };
    static CodeRange code_range(int offset, int lowest, int highest) { return {offset, lowest, highest}; }
    /// The codes of four vectors of quotients: of each vector the first four, and so on.
    using Codes = Lanes<uint8_t, 4 * lanes>;
    static int clamped(int v, int lowest, int highest) { return v < lowest ? lowest : v > highest ? highest : v; }
    static Codes pack(const Ints (&v)[4], const CodeRange& given, bool whole_bytes) {
        const CodeRange range = whole_bytes ? CodeRange{0, 0, 255} : given;
        Codes result;
        for (int i = 0; i < 4 * lanes; ++i) {
            const int word = clamped(v[i / 4 % 4].at[i / 16 * 4 + i % 4], INT16_MIN, INT16_MAX) + range.offset;
            result.at[i] = static_cast<uint8_t>(clamped(word, range.lowest, range.highest));
        }
        return result;
    }
    /// Of what pack gives: each vector's first `count` codes.
    static void store_four(const Codes& packed, uint8_t* p, int64_t distance, int count) {
        for (int j = 0; j < 4; ++j) store(packed, j, p + j * distance, count);
    }
    /// The same of pairs of vectors, whose codes lie behind each other; of the second its first `count`.
    static void store_two(const Codes& packed, uint8_t* p, int64_t distance, int count) {
        for (int j = 0; j < 4; j += 2) {
            store(packed, j, p + j / 2 * distance, lanes);
            store(packed, j + 1, p + j / 2 * distance + lanes, count);
        }
    }
    static void store(const Codes& packed, int j, uint8_t* p, int count) {
        for (int i = 0; i < count; ++i) p[i] = packed.at[i / 4 * 16 + j * 4 + i % 4];
    }
    static Floats floats(const int32_t* p) {
        return each([&](int i) { return static_cast<float>(p[i]); });
    }
    static Floats floats(const float* p) {
        return each([&](int i) { return p[i] + 0.0f; });
    }
    static Floats floats(const double* p) {
        return each([&](int i) { return static_cast<float>(p[i]); });
    }
    static Floats add(const Floats& a, const Floats& b) {
        return each([&](int i) { return a.at[i] + b.at[i]; });
    }
    static Floats sub(const Floats& a, const Floats& b) {
        return each([&](int i) { return a.at[i] - b.at[i]; });
    }
    static Floats fma(const Floats& a, const Floats& b, const Floats& c) {
        return each([&](int i) { return __builtin_fmaf(a.at[i], b.at[i], c.at[i]); });
    }
    static Floats mul(const Floats& a, const Floats& b) {
        return each([&](int i) { return a.at[i] * b.at[i]; });
    }
    static Floats div(const Floats& a, const Floats& b) {
        return each([&](int i) { return a.at[i] / b.at[i]; });
    }
    static Floats max(const Floats& bound, const Floats& v) {
        return each([&](int i) { return bound.at[i] > v.at[i] ? bound.at[i] : v.at[i]; });
    }
    static Floats min(const Floats& bound, const Floats& v) {
        return each([&](int i) { return bound.at[i] < v.at[i] ? bound.at[i] : v.at[i]; });
    }
    static Ints to_ints(const Floats& v) {
        return each_int([&](int i) {
            constexpr float kLimit = 2147483648.0f;  // beyond it processors give the smallest integer
            const float whole = __builtin_rintf(v.at[i]);
            return whole >= -kLimit && whole < kLimit ? static_cast<int32_t>(whole) : INT32_MIN;
        });
    }
    static Floats from_nearest(const Floats& v) {
        return each([&](int i) { return v.at[i] - __builtin_rintf(v.at[i]); });
    }
    static Floats further(const Floats& a, const Floats& b) {
        return each([&](int i) {
            const float size_a = __builtin_fabsf(a.at[i]), size_b = __builtin_fabsf(b.at[i]);
            return size_a > size_b ? size_a : size_b;
        });
    }
    static Ints add_ints(const Ints& a, const Ints& b) {
        return each_int([&](int i) { return wrapped(uint32_t(a.at[i]) + uint32_t(b.at[i])); });
    }
    static Ints sub_ints(const Ints& a, const Ints& b) {
        return each_int([&](int i) { return wrapped(uint32_t(a.at[i]) - uint32_t(b.at[i])); });
    }
    static Ints mul_ints(const Ints& a, const Ints& b) {
        return each_int([&](int i) { return wrapped(uint32_t(a.at[i]) * uint32_t(b.at[i])); });
    }
    template <int bits>
    static Ints shift_ints(const Ints& v) {
        return each_int([&](int i) { return wrapped(uint32_t(v.at[i]) << bits); });
    }
    /// Rounds down.
    template <int bits>
    static Ints shift_ints_right(const Ints& v) {
        return each_int([&](int i) { return v.at[i] >> bits; });
    }
    static int32_t wrapped(uint32_t v) { return static_cast<int32_t>(v); }

    // Words: twice as many numbers of 16 bits. Two vectors of them are interleaved in pieces of 128 bits, the first or
    // the second four numbers of each piece.
    using Words = Lanes<int16_t, 2 * lanes>;
    static Words load_words(const int16_t* p) {
        Words result;
        __builtin_memcpy(&result, p, sizeof result);
        return result;
    }
    static void store_words(int16_t* p, const Words& v) { __builtin_memcpy(p, &v, sizeof v); }
    template <class Function>
    static Words each_word(Function f) {
        Words result;
        for (int i = 0; i < 2 * lanes; ++i) result.at[i] = static_cast<int16_t>(f(i));
        return result;
    }
    static Words add_words(const Words& a, const Words& b) {
        return each_word([&](int i) { return a.at[i] + b.at[i]; });
    }
    static Words sub_words(const Words& a, const Words& b) {
        return each_word([&](int i) { return a.at[i] - b.at[i]; });
    }
    template <int bits>
    static Words shift_words(const Words& v) {
        return each_word([&](int i) { return v.at[i] * (1 << bits); });
    }
    static Words load_code_words(const uint8_t* p, int count) {
        Words result;
        for (int i = 0; i < 2 * lanes; ++i) result.at[i] = i < count ? p[i] : 0;
        return result;
    }
    static Words interleave(const Words& a, const Words& b, int half) {
        Words result;
        for (int i = 0; i < lanes; ++i) {
            const int from = i / 4 * 8 + half * 4 + i % 4;
            result.at[2 * i] = a.at[from];
            result.at[2 * i + 1] = b.at[from];
        }
        return result;
    }
    static Words interleave_low(const Words& a, const Words& b) { return interleave(a, b, 0); }
    static Words interleave_high(const Words& a, const Words& b) { return interleave(a, b, 1); }
    static Ints add_products(const Ints& sum, const Words& a, const Words& b) {
        return each_int([&](int i) {
            auto total = static_cast<uint32_t>(sum.at[i]);
            for (int j = 2 * i; j < 2 * i + 2; ++j) total += static_cast<uint32_t>(int32_t{a.at[j]} * b.at[j]);
            return static_cast<int32_t>(total);
        });
    }
    static void store_interleaved(int32_t* p, const Ints& low, const Ints& high) {
        for (int i = 0; i < lanes; ++i) {
            p[i / 4 * 8 + i % 4] = low.at[i];
            p[i / 4 * 8 + 4 + i % 4] = high.at[i];
        }
    }

    // Products of bytes.
    static constexpr bool kDots = dots;
    static Floats to_floats(const Ints& v) {
        return each([&](int i) { return static_cast<float>(v.at[i]); });
    }
    static Floats load_quarters(const float* p, int room) {
        return each([&](int i) { return p[i / 4 * 16 % room + i % 4]; });
    }
    template <class Function>
    static Codes each_code(Function f) {
        Codes result;
        for (int i = 0; i < 4 * lanes; ++i) result.at[i] = static_cast<uint8_t>(f(i));
        return result;
    }
    static Codes all_bytes(int v) {
        return each_code([&](int) { return v; });
    }
    static Codes add_bytes(const Codes& a, const Codes& b) {
        return each_code([&](int i) { return a.at[i] + b.at[i]; });
    }
    static Codes sub_bytes(const Codes& a, const Codes& b) {
        return each_code([&](int i) { return a.at[i] - b.at[i]; });
    }
    /// Units of so many bytes, of a and b by turns, the first or the second half of those of each piece.
    static Codes interleave_bytes(const Codes& a, const Codes& b, int unit, int half) {
        return each_code([&](int i) {
            const Codes& from = i / unit % 2 == 0 ? a : b;
            return from.at[i / 16 * 16 + half * 8 + i % 16 / (2 * unit) * unit + i % unit];
        });
    }
    static Codes bytes_low(const Codes& a, const Codes& b) { return interleave_bytes(a, b, 1, 0); }
    static Codes bytes_high(const Codes& a, const Codes& b) { return interleave_bytes(a, b, 1, 1); }
    static Codes pairs_low(const Codes& a, const Codes& b) { return interleave_bytes(a, b, 2, 0); }
    static Codes pairs_high(const Codes& a, const Codes& b) { return interleave_bytes(a, b, 2, 1); }
    template <int quarter>
    static Codes spread(const Codes& a) {
        return each_code([&](int i) { return i % 4 == 0 ? a.at[i / 16 * 16 + 4 * quarter + i % 16 / 4] : 0; });
    }
    static Ints dot(const Ints& sum, const Codes& x, const int8_t* w) {
        return each_int([&](int i) {
            auto total = static_cast<uint32_t>(sum.at[i]);
            for (int j = 4 * i; j < 4 * i + 4; ++j) total += static_cast<uint32_t>(x.at[j] * w[j]);
            return static_cast<int32_t>(total);
        });
    }
    template <int together>
    static Codes load_together(const uint8_t* const (&p)[together], int count) {
        constexpr int kRoom = 4 * lanes / together;
        return each_code([&](int i) { return i % kRoom < count ? p[i / kRoom][i % kRoom] : 0; });
    }
    template <int together>
    static void store_together(const Codes& v, uint8_t* p, int64_t distance, int here, int count) {
        for (int j = 0; j < here; ++j)
            for (int i = 0; i < count; ++i) p[j * distance + i] = v.at[j * (4 * lanes / together) + i];
    }

    static bool any_beyond(const Floats& v, float limit) {
        bool any = false;
        for (int i = 0; i < lanes; ++i) any = any || v.at[i] > limit || v.at[i] < -limit;
        return any;
    }
};

/// A step of `depth` elements X of one position by as many weights W of each lane.
template <int lanes, int columns, Element element, class X, class W, class Total, int depth>
struct ProductsTwin {
    static constexpr Element kElement = element;
    static constexpr int kLanes = lanes, kDepth = depth, kColumns = columns, kVectors = 2,
                         kStepBytes = depth * static_cast<int>(sizeof(X)),
                         kVectorBytes = lanes * depth * static_cast<int>(sizeof(W));
    using Sum = Total;
    using Sums = Lanes<Total, lanes>;
    using Elements = Lanes<X, depth>;
    using Weights = Lanes<W, lanes * depth>;

    static Sums load(const Sum* p) {
        Sums result;
        __builtin_memcpy(&result, p, sizeof result);
        return result;
    }
    static void store(Sum* p, const Sums& v) { __builtin_memcpy(p, &v, sizeof v); }
    static Weights load_weights(const unsigned char* p) {
        Weights result;
        __builtin_memcpy(&result, p, sizeof result);
        return result;
    }
    static Elements broadcast(const unsigned char* p) {
        Elements result;
        __builtin_memcpy(&result, p, sizeof result);
        return result;
    }
    static Sums multiply_add(const Sums& sum, const Elements& x, const Weights& w) {
        Sums result;
        for (int i = 0; i < lanes; ++i) {
            if constexpr (element == Element::single) {
                result.at[i] = __builtin_fmaf(x.at[0], w.at[i], sum.at[i]);
            } else if constexpr (element == Element::real) {
                result.at[i] = sum.at[i] + x.at[0] * static_cast<double>(w.at[i]);  // of integers: exact
            } else {
                auto total = static_cast<uint32_t>(sum.at[i]);
                for (int j = 0; j < depth; ++j) total += static_cast<uint32_t>(x.at[j] * w.at[i * depth + j]);
                result.at[i] = static_cast<int32_t>(total);
            }
        }
        return result;
    }
};

template <int lanes, int columns>
using BytesTwin = ProductsTwin<lanes, columns, Element::byte, uint8_t, int8_t, int32_t, 4>;
template <int lanes, int columns>
using WordsTwin = ProductsTwin<lanes, columns, Element::word, int16_t, int16_t, int32_t, 2>;
template <int lanes, int columns>
using SinglesTwin = ProductsTwin<lanes, columns, Element::single, float, float, float, 1>;
template <int lanes, int columns>
using RealsTwin = ProductsTwin<lanes, columns, Element::real, double, float, double, 1>;

/// AMX's: what is not configured is zero after a load, as in the processor.
struct TilesTwin {
    struct Tile {
        unsigned char bytes[kTileRows][kTileRowBytes];
    };
    Tile sums[2][2], x[2], weights[2];
    int rows, steps;

    void configure(int columns, int chunk) { rows = columns, steps = chunk; }
    void release() {}

    static void load(Tile& tile, const unsigned char* from, int64_t pitch, int count, int bytes) {
        __builtin_memset(&tile, 0, sizeof tile);
        for (int i = 0; i < count; ++i) __builtin_memcpy(tile.bytes[i], from + i * pitch, static_cast<unsigned>(bytes));
    }
    template <int segment, int vector>
    void load_sums(const unsigned char* from, int64_t pitch) {
        load(sums[segment][vector], from, pitch, rows, kTileRowBytes);
    }
    template <int segment>
    void load_x(const unsigned char* from, int64_t pitch) {
        load(x[segment], from, pitch, rows, 4 * steps);
    }
    template <int vector>
    void load_weights(const unsigned char* from, int64_t pitch) {
        load(weights[vector], from, pitch, steps, kTileRowBytes);
    }
    template <int segment, int vector>
    void store_sums(unsigned char* to, int64_t pitch) {
        for (int i = 0; i < rows; ++i) __builtin_memcpy(to + i * pitch, sums[segment][vector].bytes[i], kTileRowBytes);
    }
    template <int segment, int vector>
    void multiply_add() {
        for (int i = 0; i < rows; ++i) {
            int32_t row[kTileRows];
            __builtin_memcpy(row, sums[segment][vector].bytes[i], sizeof row);
            for (int step = 0; step < steps; ++step) {
                for (int lane = 0; lane < kTileRows; ++lane) {
                    auto total = static_cast<uint32_t>(row[lane]);
                    for (int j = 0; j < 4; ++j) {
                        const auto w = static_cast<signed char>(weights[vector].bytes[step][4 * lane + j]);
                        total += static_cast<uint32_t>(x[segment].bytes[i][4 * step + j] * w);
                    }
                    row[lane] = static_cast<int32_t>(total);
                }
            }
            __builtin_memcpy(sums[segment][vector].bytes[i], row, sizeof row);
        }
    }
};

}  // namespace
}  // namespace adaq::cpu::integer
