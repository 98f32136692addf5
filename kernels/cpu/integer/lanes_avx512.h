// Vectors of AVX-512 for finish.h and tile.h. Internal linkage, as finish.h.
#pragma once

#include <immintrin.h>

#include "kernels/cpu/integer/tile.h"

namespace adaq::cpu::integer {
namespace {  // NOLINT: a header of internal linkage throughout

struct Floats512 {
    static constexpr int kLanes = 16;
    static constexpr bool kSaturates = true;
    static constexpr bool kFuses = true;  // multiply-adds take no longer than multiplications
    using Floats = __m512;
    using Ints = __m512i;

    static __mmask16 mask(int count) { return static_cast<__mmask16>((1u << count) - 1u); }

    static Floats all(float v) { return _mm512_set1_ps(v); }
    static Ints all_ints(int32_t v) { return _mm512_set1_epi32(v); }
    static Floats load(const float* p, int count) {
        return count == kLanes ? _mm512_loadu_ps(p) : _mm512_maskz_loadu_ps(mask(count), p);
    }
    static Ints load_code_ints(const uint8_t* p, int count) {
        const __m128i codes = count == kLanes ? _mm_loadu_si128(reinterpret_cast<const __m128i*>(p))
                                              : _mm_maskz_loadu_epi8(mask(count), p);
        return _mm512_cvtepu8_epi32(codes);
    }
    static Floats load_codes(const uint8_t* p, int count) { return _mm512_cvtepi32_ps(load_code_ints(p, count)); }
    static Ints load_ints(const int32_t* p) { return _mm512_loadu_si512(p); }
    static void store_ints(int32_t* p, Ints v) { _mm512_storeu_si512(p, v); }
    static void store(float* p, Floats v, int count) {
        if (count == kLanes) {
            _mm512_storeu_ps(p, v);
        } else {
            _mm512_mask_storeu_ps(p, mask(count), v);
        }
    }
    static void store_codes(uint8_t* p, Ints v, int count) {
        if (count == kLanes) {
            _mm_storeu_si128(reinterpret_cast<__m128i*>(p), _mm512_cvtepi32_epi8(v));
        } else {
            _mm512_mask_cvtepi32_storeu_epi8(p, mask(count), v);
        }
    }
    /// Of integers as they are without a sign: above 255, and of floats too large for integers, 255.
    static void store_saturated(uint8_t* p, Ints v, int count) {
        if (count == kLanes) {
            _mm_storeu_si128(reinterpret_cast<__m128i*>(p), _mm512_cvtusepi32_epi8(v));
        } else {
            _mm512_mask_cvtusepi32_storeu_epi8(p, mask(count), v);
        }
    }
    /// What is added to quotients, and the ends of their codes.
    struct CodeRange {
        __m512i offset, lowest, highest;
    };
    static CodeRange code_range(int offset, int lowest, int highest) {
        return {_mm512_set1_epi16(static_cast<short>(offset)), _mm512_set1_epi8(static_cast<char>(lowest)),
                _mm512_set1_epi8(static_cast<char>(highest))};
    }
    /// The codes of four vectors of quotients, in the order of 128-bit pieces: of each vector the first four, and so
    /// on. whole_bytes: the range is 0 ... 255, and nothing is added.
    using Codes = __m512i;
    static Codes pack(const Ints (&v)[4], const CodeRange& range, bool whole_bytes) {
        const Ints a = _mm512_packs_epi32(v[0], v[1]), b = _mm512_packs_epi32(v[2], v[3]);
        if (whole_bytes) return _mm512_packus_epi16(a, b);
        const Codes codes = _mm512_packus_epi16(_mm512_adds_epi16(a, range.offset), _mm512_adds_epi16(b, range.offset));
        return _mm512_min_epu8(range.highest, _mm512_max_epu8(range.lowest, codes));
    }
    static Codes in_order(Codes packed) {
        return _mm512_permutexvar_epi32(_mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15),
                                        packed);
    }
    /// Of what pack gives: each vector's first `count` codes.
    static void store_four(Codes packed, uint8_t* p, int64_t distance, int count) {
        const Codes codes = in_order(packed);
        const __mmask16 first = mask(count);
        _mm_mask_storeu_epi8(p, first, _mm512_castsi512_si128(codes));
        _mm_mask_storeu_epi8(p + distance, first, _mm512_extracti32x4_epi32(codes, 1));
        _mm_mask_storeu_epi8(p + 2 * distance, first, _mm512_extracti32x4_epi32(codes, 2));
        _mm_mask_storeu_epi8(p + 3 * distance, first, _mm512_extracti32x4_epi32(codes, 3));
    }
    /// The same of pairs of vectors, whose codes lie behind each other; of the second its first `count`.
    static void store_two(Codes packed, uint8_t* p, int64_t distance, int count) {
        const Codes codes = in_order(packed);
        const __m256i first = _mm512_castsi512_si256(codes), second = _mm512_extracti64x4_epi64(codes, 1);
        if (count == kLanes) {
            _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), first);
            _mm256_storeu_si256(reinterpret_cast<__m256i*>(p + distance), second);
        } else {
            const __mmask32 some = (__mmask32{1} << (kLanes + count)) - 1;
            _mm256_mask_storeu_epi8(p, some, first);
            _mm256_mask_storeu_epi8(p + distance, some, second);
        }
    }
    static Floats floats(const int32_t* p) { return _mm512_cvtepi32_ps(_mm512_loadu_si512(p)); }
    static Floats floats(const float* p) { return _mm512_add_ps(_mm512_loadu_ps(p), _mm512_setzero_ps()); }
    static Floats floats(const double* p) {
        const __m256 low = _mm512_cvtpd_ps(_mm512_loadu_pd(p)), high = _mm512_cvtpd_ps(_mm512_loadu_pd(p + 8));
        return _mm512_insertf32x8(_mm512_castps256_ps512(low), high, 1);
    }
    static Floats add(Floats a, Floats b) { return _mm512_add_ps(a, b); }
    static Floats sub(Floats a, Floats b) { return _mm512_sub_ps(a, b); }
    static Floats fma(Floats a, Floats b, Floats c) { return _mm512_fmadd_ps(a, b, c); }
    static Floats mul(Floats a, Floats b) { return _mm512_mul_ps(a, b); }
    static Floats div(Floats a, Floats b) { return _mm512_div_ps(a, b); }
    /// bound > v ? bound : v; min likewise.
    static Floats max(Floats bound, Floats v) { return _mm512_max_ps(bound, v); }
    static Floats min(Floats bound, Floats v) { return _mm512_min_ps(bound, v); }
    static Ints to_ints(Floats v) { return _mm512_cvtps_epi32(v); }
    static Ints add_ints(Ints a, Ints b) { return _mm512_add_epi32(a, b); }
    static Ints sub_ints(Ints a, Ints b) { return _mm512_sub_epi32(a, b); }
    static Ints mul_ints(Ints a, Ints b) { return _mm512_mullo_epi32(a, b); }
    template <int bits>
    static Ints shift_ints(Ints v) {
        return _mm512_slli_epi32(v, bits);
    }
    /// Rounds down.
    template <int bits>
    static Ints shift_ints_right(Ints v) {
        return _mm512_srai_epi32(v, bits);
    }

    // Words: 32 numbers of 16 bits.
    using Words = __m512i;
    static Words load_words(const int16_t* p) { return _mm512_loadu_si512(p); }
    static void store_words(int16_t* p, Words v) { _mm512_storeu_si512(p, v); }
    static Words add_words(Words a, Words b) { return _mm512_add_epi16(a, b); }
    static Words sub_words(Words a, Words b) { return _mm512_sub_epi16(a, b); }
    template <int bits>
    static Words shift_words(Words v) {
        return _mm512_slli_epi16(v, bits);
    }
    static Words load_code_words(const uint8_t* p, int count) {
        return _mm512_cvtepu8_epi16(count == 2 * kLanes ? _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p))
                                                        : _mm256_maskz_loadu_epi8((1u << count) - 1u, p));
    }
    static Words interleave_low(Words a, Words b) { return _mm512_unpacklo_epi16(a, b); }
    static Words interleave_high(Words a, Words b) { return _mm512_unpackhi_epi16(a, b); }
    static Ints add_products(Ints sum, Words a, Words b) {
#if defined(__AVX512VNNI__)
        return _mm512_dpwssd_epi32(sum, a, b);
#else
        return _mm512_add_epi32(sum, _mm512_madd_epi16(a, b));
#endif
    }
    static void store_interleaved(int32_t* p, Ints low, Ints high) {
        const __m512i first = _mm512_setr_epi64(0, 1, 8, 9, 2, 3, 10, 11),
                      second = _mm512_setr_epi64(4, 5, 12, 13, 6, 7, 14, 15);
        _mm512_storeu_si512(p, _mm512_permutex2var_epi64(low, first, high));
        _mm512_storeu_si512(p + kLanes, _mm512_permutex2var_epi64(low, second, high));
    }

    // Products of bytes. What is interleaved stays within pieces of 128 bits.
    static Floats to_floats(Ints v) { return _mm512_cvtepi32_ps(v); }
    /// The four numbers of each piece from p on; pieces are 16 numbers apart, and begin again behind `room`.
    static Floats load_quarters(const float* p, int room) {
        Floats v = _mm512_castps128_ps512(_mm_loadu_ps(p));
        v = _mm512_insertf32x4(v, _mm_loadu_ps(p + 16 % room), 1);
        v = _mm512_insertf32x4(v, _mm_loadu_ps(p + 32 % room), 2);
        return _mm512_insertf32x4(v, _mm_loadu_ps(p + 48 % room), 3);
    }
#if defined(__AVX512VNNI__)
    static constexpr bool kDots = true;
    static Ints dot(Ints sum, Codes x, const int8_t* w) { return _mm512_dpbusd_epi32(sum, x, _mm512_loadu_si512(w)); }
#else
    static constexpr bool kDots = false;
#endif
    static Codes all_bytes(int v) { return _mm512_set1_epi8(static_cast<char>(v)); }
    static Codes add_bytes(Codes a, Codes b) { return _mm512_add_epi8(a, b); }
    static Codes sub_bytes(Codes a, Codes b) { return _mm512_sub_epi8(a, b); }
    static Codes bytes_low(Codes a, Codes b) { return _mm512_unpacklo_epi8(a, b); }
    static Codes bytes_high(Codes a, Codes b) { return _mm512_unpackhi_epi8(a, b); }
    static Codes pairs_low(Codes a, Codes b) { return _mm512_unpacklo_epi16(a, b); }
    static Codes pairs_high(Codes a, Codes b) { return _mm512_unpackhi_epi16(a, b); }
    /// Of each piece four bytes, from 4 * quarter on, as numbers of 32 bits.
    template <int quarter>
    static Codes spread(Codes a) {
        constexpr int k = 4 * quarter, kZero = 0x808080;  // with the byte's index before it
        return _mm512_shuffle_epi8(
            a, _mm512_set4_epi32(kZero << 8 | (k + 3), kZero << 8 | (k + 2), kZero << 8 | (k + 1), kZero << 8 | k));
    }
    /// The codes of so many positions side by side.
    template <int together>
    static Codes load_together(const uint8_t* const (&p)[together], int count) {
        if constexpr (together == 1) {
            return count == 64 ? _mm512_loadu_si512(p[0]) : _mm512_maskz_loadu_epi8((uint64_t{1} << count) - 1, p[0]);
        } else if constexpr (together == 2) {
            const auto some = static_cast<__mmask32>((uint64_t{1} << count) - 1);
            return _mm512_inserti64x4(_mm512_castsi256_si512(_mm256_maskz_loadu_epi8(some, p[0])),
                                      _mm256_maskz_loadu_epi8(some, p[1]), 1);
        } else {
            const __mmask16 some = mask(count);
            Codes v = _mm512_castsi128_si512(_mm_maskz_loadu_epi8(some, p[0]));
            v = _mm512_inserti32x4(v, _mm_maskz_loadu_epi8(some, p[1]), 1);
            v = _mm512_inserti32x4(v, _mm_maskz_loadu_epi8(some, p[2]), 2);
            return _mm512_inserti32x4(v, _mm_maskz_loadu_epi8(some, p[3]), 3);
        }
    }
    template <int together>
    static void store_together(Codes v, uint8_t* p, int64_t distance, int here, int count) {
        if constexpr (together == 1) {
            if (count == 64) {
                _mm512_storeu_si512(p, v);
            } else {
                _mm512_mask_storeu_epi8(p, (uint64_t{1} << count) - 1, v);
            }
        } else if constexpr (together == 2) {
            const auto some = static_cast<__mmask32>((uint64_t{1} << count) - 1);
            _mm256_mask_storeu_epi8(p, some, _mm512_castsi512_si256(v));
            if (here > 1) _mm256_mask_storeu_epi8(p + distance, some, _mm512_extracti64x4_epi64(v, 1));
        } else {
            const __mmask16 some = mask(count);
            _mm_mask_storeu_epi8(p, some, _mm512_castsi512_si128(v));
            if (here > 1) _mm_mask_storeu_epi8(p + distance, some, _mm512_extracti32x4_epi32(v, 1));
            if (here > 2) _mm_mask_storeu_epi8(p + 2 * distance, some, _mm512_extracti32x4_epi32(v, 2));
            if (here > 3) _mm_mask_storeu_epi8(p + 3 * distance, some, _mm512_extracti32x4_epi32(v, 3));
        }
    }

    static Floats from_nearest(Floats v) { return _mm512_reduce_ps(v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC); }
    /// The larger absolute value.
    static Floats further(Floats a, Floats b) {
        constexpr int kLargerAbsolute = 0b1011;  // with the sign bit cleared
        return _mm512_range_ps(a, b, kLargerAbsolute);
    }
    static bool any_beyond(Floats v, float limit) {
        return _mm512_cmp_ps_mask(_mm512_abs_ps(v), _mm512_set1_ps(limit), _CMP_GT_OQ) != 0;
    }
};

/// What products by 32-bit integers have in common.
struct Integers512 {
    static constexpr int kLanes = 16, kColumns = 7, kVectors = 2, kStepBytes = 4, kVectorBytes = 64;
    using Sum = int32_t;
    using Sums = __m512i;
    using Elements = __m512i;
    using Weights = __m512i;

    static Sums load(const Sum* p) { return _mm512_loadu_si512(p); }
    static void store(Sum* p, Sums v) { _mm512_storeu_si512(p, v); }
    static Weights load_weights(const unsigned char* p) { return _mm512_loadu_si512(p); }
    static Elements broadcast(const unsigned char* p) {
        int32_t word = 0;
        __builtin_memcpy(&word, p, sizeof word);
        return _mm512_set1_epi32(word);
    }
};

struct Words512 : Integers512 {
    static constexpr Element kElement = Element::word;
    static constexpr int kDepth = 2;
    static Sums multiply_add(Sums sum, Elements x, Weights w) { return Floats512::add_products(sum, x, w); }
};

#if defined(__AVX512VNNI__)
struct Bytes512 : Integers512 {
    static constexpr Element kElement = Element::byte;
    static constexpr int kDepth = 4;
    static Sums multiply_add(Sums sum, Elements x, Weights w) { return _mm512_dpbusd_epi32(sum, x, w); }
};
#endif

struct Singles512 {
    static constexpr Element kElement = Element::single;
    static constexpr int kLanes = 16, kDepth = 1, kColumns = 7, kVectors = 2, kStepBytes = 4, kVectorBytes = 64;
    using Sum = float;
    using Sums = __m512;
    using Elements = __m512;
    using Weights = __m512;

    static Sums load(const Sum* p) { return _mm512_loadu_ps(p); }
    static void store(Sum* p, Sums v) { _mm512_storeu_ps(p, v); }
    static Weights load_weights(const unsigned char* p) { return _mm512_loadu_ps(p); }
    static Elements broadcast(const unsigned char* p) {
        float value = 0.0f;
        __builtin_memcpy(&value, p, sizeof value);
        return _mm512_set1_ps(value);
    }
    static Sums multiply_add(Sums sum, Elements x, Weights w) { return _mm512_fmadd_ps(x, w, sum); }
};

struct Reals512 {
    static constexpr Element kElement = Element::real;
    static constexpr int kLanes = 8, kDepth = 1, kColumns = 7, kVectors = 2, kStepBytes = 8, kVectorBytes = 32;
    using Sum = double;
    using Sums = __m512d;
    using Elements = __m512d;
    using Weights = __m512d;

    static Sums load(const Sum* p) { return _mm512_loadu_pd(p); }
    static void store(Sum* p, Sums v) { _mm512_storeu_pd(p, v); }
    static Weights load_weights(const unsigned char* p) {
        return _mm512_cvtps_pd(_mm256_castsi256_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p))));
    }
    static Elements broadcast(const unsigned char* p) {
        double value = 0.0;
        __builtin_memcpy(&value, p, sizeof value);
        return _mm512_set1_pd(value);
    }
    static Sums multiply_add(Sums sum, Elements x, Weights w) { return _mm512_fmadd_pd(x, w, sum); }
};

}  // namespace
}  // namespace adaq::cpu::integer
