// Vectors of AVX2 for finish.h and tile.h. Internal linkage, as finish.h. Of 16 registers a tile of six positions and
// two vectors takes twelve for its sums.
#pragma once

#include <immintrin.h>

#include "kernels/cpu/integer/tile.h"

namespace adaq::cpu::integer {
namespace {  // NOLINT: a header of internal linkage throughout

struct Floats256 {
    static constexpr int kLanes = 8;
    static constexpr bool kSaturates = false;
    static constexpr bool kFuses = true;  // multiply-adds take no longer than multiplications
    using Floats = __m256;
    using Ints = __m256i;

    static Floats all(float v) { return _mm256_set1_ps(v); }
    static Ints all_ints(int32_t v) { return _mm256_set1_epi32(v); }
    static Floats load(const float* p, int count) {
        if (count == kLanes) return _mm256_loadu_ps(p);
        float part[kLanes] = {};
        for (int i = 0; i < count; ++i) part[i] = p[i];
        return _mm256_loadu_ps(part);
    }
    static Ints load_code_ints(const uint8_t* p, int count) {
        uint8_t part[16] = {};
        if (count < kLanes) {
            for (int i = 0; i < count; ++i) part[i] = p[i];
            p = part;
        }
        return _mm256_cvtepu8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(p)));
    }
    static Floats load_codes(const uint8_t* p, int count) { return _mm256_cvtepi32_ps(load_code_ints(p, count)); }
    static Ints load_ints(const int32_t* p) { return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)); }
    static void store_ints(int32_t* p, Ints v) { _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), v); }
    static void store(float* p, Floats v, int count) {
        if (count == kLanes) {
            _mm256_storeu_ps(p, v);
            return;
        }
        float part[kLanes];
        _mm256_storeu_ps(part, v);
        for (int i = 0; i < count; ++i) p[i] = part[i];
    }
    static void store_codes(uint8_t* p, Ints v, int count) {
        const __m128i words = _mm_packs_epi32(_mm256_castsi256_si128(v), _mm256_extracti128_si256(v, 1));
        const __m128i codes = _mm_packus_epi16(words, words);
        if (count == kLanes) {
            _mm_storel_epi64(reinterpret_cast<__m128i*>(p), codes);
            return;
        }
        uint8_t part[16];
        _mm_storeu_si128(reinterpret_cast<__m128i*>(part), codes);
        for (int i = 0; i < count; ++i) p[i] = part[i];
    }
    /// What is added to quotients, and the ends of their codes.
    struct CodeRange {
        __m256i offset, lowest, highest;
    };
    static CodeRange code_range(int offset, int lowest, int highest) {
        return {_mm256_set1_epi16(static_cast<short>(offset)), _mm256_set1_epi8(static_cast<char>(lowest)),
                _mm256_set1_epi8(static_cast<char>(highest))};
    }
    /// The codes of four vectors of quotients, in the order of 128-bit pieces: of each vector the first four, and so
    /// on. whole_bytes: the range is 0 ... 255, and nothing is added.
    using Codes = __m256i;
    static Codes pack(const Ints (&v)[4], const CodeRange& range, bool whole_bytes) {
        const Ints a = _mm256_packs_epi32(v[0], v[1]), b = _mm256_packs_epi32(v[2], v[3]);
        if (whole_bytes) return _mm256_packus_epi16(a, b);
        const Codes codes = _mm256_packus_epi16(_mm256_adds_epi16(a, range.offset), _mm256_adds_epi16(b, range.offset));
        return _mm256_min_epu8(range.highest, _mm256_max_epu8(range.lowest, codes));
    }
    static Codes in_order(Codes packed) {
        return _mm256_permutevar8x32_epi32(packed, _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7));
    }
    /// Of what pack gives: each vector's first `count` codes.
    static void store_four(Codes packed, uint8_t* p, int64_t distance, int count) {
        uint8_t codes[4 * kLanes];
        _mm256_storeu_si256(reinterpret_cast<__m256i*>(codes), in_order(packed));
        for (int j = 0; j < 4; ++j)
            for (int i = 0; i < count; ++i) p[j * distance + i] = codes[j * kLanes + i];
    }
    /// The same of pairs of vectors, whose codes lie behind each other; of the second its first `count`.
    static void store_two(Codes packed, uint8_t* p, int64_t distance, int count) {
        const Codes codes = in_order(packed);
        const __m128i first = _mm256_castsi256_si128(codes), second = _mm256_extracti128_si256(codes, 1);
        if (count == kLanes) {
            _mm_storeu_si128(reinterpret_cast<__m128i*>(p), first);
            _mm_storeu_si128(reinterpret_cast<__m128i*>(p + distance), second);
            return;
        }
        uint8_t part[4 * kLanes];
        _mm256_storeu_si256(reinterpret_cast<__m256i*>(part), codes);
        for (int j = 0; j < 2; ++j)
            for (int i = 0; i < kLanes + count; ++i) p[j * distance + i] = part[j * 2 * kLanes + i];
    }
    static Floats floats(const int32_t* p) {
        return _mm256_cvtepi32_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)));
    }
    static Floats floats(const float* p) { return _mm256_add_ps(_mm256_loadu_ps(p), _mm256_setzero_ps()); }
    static Floats floats(const double* p) {
        const __m128 low = _mm256_cvtpd_ps(_mm256_loadu_pd(p)), high = _mm256_cvtpd_ps(_mm256_loadu_pd(p + 4));
        return _mm256_insertf128_ps(_mm256_castps128_ps256(low), high, 1);
    }
    static Floats add(Floats a, Floats b) { return _mm256_add_ps(a, b); }
    static Floats sub(Floats a, Floats b) { return _mm256_sub_ps(a, b); }
    static Floats fma(Floats a, Floats b, Floats c) { return _mm256_fmadd_ps(a, b, c); }
    static Floats mul(Floats a, Floats b) { return _mm256_mul_ps(a, b); }
    static Floats div(Floats a, Floats b) { return _mm256_div_ps(a, b); }
    /// bound > v ? bound : v; min likewise.
    static Floats max(Floats bound, Floats v) { return _mm256_max_ps(bound, v); }
    static Floats min(Floats bound, Floats v) { return _mm256_min_ps(bound, v); }
    static Ints to_ints(Floats v) { return _mm256_cvtps_epi32(v); }
    static Ints add_ints(Ints a, Ints b) { return _mm256_add_epi32(a, b); }
    static Ints sub_ints(Ints a, Ints b) { return _mm256_sub_epi32(a, b); }
    static Ints mul_ints(Ints a, Ints b) { return _mm256_mullo_epi32(a, b); }
    template <int bits>
    static Ints shift_ints(Ints v) {
        return _mm256_slli_epi32(v, bits);
    }
    /// Rounds down.
    template <int bits>
    static Ints shift_ints_right(Ints v) {
        return _mm256_srai_epi32(v, bits);
    }

    // Words: 16 numbers of 16 bits.
    using Words = __m256i;
    static Words load_words(const int16_t* p) { return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)); }
    static void store_words(int16_t* p, Words v) { _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), v); }
    static Words add_words(Words a, Words b) { return _mm256_add_epi16(a, b); }
    static Words sub_words(Words a, Words b) { return _mm256_sub_epi16(a, b); }
    template <int bits>
    static Words shift_words(Words v) {
        return _mm256_slli_epi16(v, bits);
    }
    static Words load_code_words(const uint8_t* p, int count) {
        uint8_t part[2 * kLanes] = {};
        if (count < 2 * kLanes) {
            for (int i = 0; i < count; ++i) part[i] = p[i];
            p = part;
        }
        return _mm256_cvtepu8_epi16(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
    }
    static Words interleave_low(Words a, Words b) { return _mm256_unpacklo_epi16(a, b); }
    static Words interleave_high(Words a, Words b) { return _mm256_unpackhi_epi16(a, b); }
    static Ints add_products(Ints sum, Words a, Words b) {
#if defined(__AVXVNNI__)
        return _mm256_dpwssd_avx_epi32(sum, a, b);
#else
        return _mm256_add_epi32(sum, _mm256_madd_epi16(a, b));
#endif
    }
    static void store_interleaved(int32_t* p, Ints low, Ints high) {
        _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), _mm256_permute2x128_si256(low, high, 0x20));
        _mm256_storeu_si256(reinterpret_cast<__m256i*>(p + kLanes), _mm256_permute2x128_si256(low, high, 0x31));
    }

    // Products of bytes. What is interleaved stays within pieces of 128 bits.
    static Floats to_floats(Ints v) { return _mm256_cvtepi32_ps(v); }
    /// The four numbers of each piece from p on; pieces are 16 numbers apart, and begin again behind `room`.
    static Floats load_quarters(const float* p, int room) {
        return _mm256_insertf128_ps(_mm256_castps128_ps256(_mm_loadu_ps(p)), _mm_loadu_ps(p + 16 % room), 1);
    }
#if defined(__AVXVNNI__)
    static constexpr bool kDots = true;
    static Ints dot(Ints sum, Codes x, const int8_t* w) {
        return _mm256_dpbusd_avx_epi32(sum, x, _mm256_loadu_si256(reinterpret_cast<const __m256i*>(w)));
    }
#else
    static constexpr bool kDots = false;
#endif
    static Codes all_bytes(int v) { return _mm256_set1_epi8(static_cast<char>(v)); }
    static Codes add_bytes(Codes a, Codes b) { return _mm256_add_epi8(a, b); }
    static Codes sub_bytes(Codes a, Codes b) { return _mm256_sub_epi8(a, b); }
    static Codes bytes_low(Codes a, Codes b) { return _mm256_unpacklo_epi8(a, b); }
    static Codes bytes_high(Codes a, Codes b) { return _mm256_unpackhi_epi8(a, b); }
    static Codes pairs_low(Codes a, Codes b) { return _mm256_unpacklo_epi16(a, b); }
    static Codes pairs_high(Codes a, Codes b) { return _mm256_unpackhi_epi16(a, b); }
    /// Of each piece four bytes, from 4 * quarter on, as numbers of 32 bits.
    template <int quarter>
    static Codes spread(Codes a) {
        constexpr int k = 4 * quarter, kZero = 0x808080;  // with the byte's index before it
        return _mm256_shuffle_epi8(
            a, _mm256_setr_epi32(kZero << 8 | k, kZero << 8 | (k + 1), kZero << 8 | (k + 2), kZero << 8 | (k + 3),
                                 kZero << 8 | k, kZero << 8 | (k + 1), kZero << 8 | (k + 2), kZero << 8 | (k + 3)));
    }
    /// The codes of so many positions side by side.
    template <int together>
    static Codes load_together(const uint8_t* const (&p)[together], int count) {
        constexpr int kRoom = 4 * kLanes / together;
        if (count == kRoom) {
            if constexpr (together == 1) return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p[0]));
            return _mm256_inserti128_si256(
                _mm256_castsi128_si256(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p[0]))),
                _mm_loadu_si128(reinterpret_cast<const __m128i*>(p[together - 1])), 1);
        }
        uint8_t part[4 * kLanes] = {};
        for (int j = 0; j < together; ++j)
            for (int i = 0; i < count; ++i) part[j * kRoom + i] = p[j][i];
        return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(part));
    }
    template <int together>
    static void store_together(Codes v, uint8_t* p, int64_t distance, int here, int count) {
        constexpr int kRoom = 4 * kLanes / together;
        if (together == 1 && count == kRoom) return _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), v);
        uint8_t part[4 * kLanes];
        _mm256_storeu_si256(reinterpret_cast<__m256i*>(part), v);
        for (int j = 0; j < here; ++j)
            for (int i = 0; i < count; ++i) p[j * distance + i] = part[j * kRoom + i];
    }

    static Floats from_nearest(Floats v) {
        return _mm256_sub_ps(v, _mm256_round_ps(v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC));
    }
    /// The larger absolute value.
    static Floats further(Floats a, Floats b) { return _mm256_max_ps(absolute(a), absolute(b)); }
    static Floats absolute(Floats v) { return _mm256_andnot_ps(_mm256_set1_ps(-0.0f), v); }
    static bool any_beyond(Floats v, float limit) {
        return _mm256_movemask_ps(_mm256_cmp_ps(absolute(v), _mm256_set1_ps(limit), _CMP_GT_OQ)) != 0;
    }
};

/// What products by 32-bit integers have in common.
struct Integers256 {
    static constexpr int kLanes = 8, kColumns = 3, kVectors = 2, kStepBytes = 4, kVectorBytes = 32;
    using Sum = int32_t;
    using Sums = __m256i;
    using Elements = __m256i;
    using Weights = __m256i;

    static Sums load(const Sum* p) { return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)); }
    static void store(Sum* p, Sums v) { _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), v); }
    static Weights load_weights(const unsigned char* p) {
        return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
    }
    static Elements broadcast(const unsigned char* p) {
        int32_t word = 0;
        __builtin_memcpy(&word, p, sizeof word);
        return _mm256_set1_epi32(word);
    }
};

struct Words256 : Integers256 {
    static constexpr Element kElement = Element::word;
    static constexpr int kDepth = 2;
    static Sums multiply_add(Sums sum, Elements x, Weights w) { return Floats256::add_products(sum, x, w); }
};

#if defined(__AVXVNNI__)
struct Bytes256 : Integers256 {
    static constexpr Element kElement = Element::byte;
    static constexpr int kDepth = 4;
    static Sums multiply_add(Sums sum, Elements x, Weights w) { return _mm256_dpbusd_avx_epi32(sum, x, w); }
};
#endif

struct Singles256 {
    static constexpr Element kElement = Element::single;
    static constexpr int kLanes = 8, kDepth = 1, kColumns = 3, kVectors = 2, kStepBytes = 4, kVectorBytes = 32;
    using Sum = float;
    using Sums = __m256;
    using Elements = __m256;
    using Weights = __m256;

    static Sums load(const Sum* p) { return _mm256_loadu_ps(p); }
    static void store(Sum* p, Sums v) { _mm256_storeu_ps(p, v); }
    static Weights load_weights(const unsigned char* p) {
        return _mm256_castsi256_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)));
    }
    static Elements broadcast(const unsigned char* p) {
        float value = 0.0f;
        __builtin_memcpy(&value, p, sizeof value);
        return _mm256_set1_ps(value);
    }
    static Sums multiply_add(Sums sum, Elements x, Weights w) { return _mm256_fmadd_ps(x, w, sum); }
};

struct Reals256 {
    static constexpr Element kElement = Element::real;
    static constexpr int kLanes = 4, kDepth = 1, kColumns = 3, kVectors = 2, kStepBytes = 8, kVectorBytes = 16;
    using Sum = double;
    using Sums = __m256d;
    using Elements = __m256d;
    using Weights = __m256d;

    static Sums load(const Sum* p) { return _mm256_loadu_pd(p); }
    static void store(Sum* p, Sums v) { _mm256_storeu_pd(p, v); }
    static Weights load_weights(const unsigned char* p) {
        return _mm256_cvtps_pd(_mm_castsi128_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p))));
    }
    static Elements broadcast(const unsigned char* p) {
        double value = 0.0;
        __builtin_memcpy(&value, p, sizeof value);
        return _mm256_set1_pd(value);
    }
    static Sums multiply_add(Sums sum, Elements x, Weights w) { return _mm256_fmadd_pd(x, w, sum); }
};

}  // namespace
}  // namespace adaq::cpu::integer
