// What every processor has: on x86-64 SSE2, whose products of 16-bit integers do not saturate, elsewhere plain C++.
// Sums of floats in order are plain C++ everywhere: without instructions for it a fused multiply-add is a call.
#include "kernels/cpu/integer/instruction_files.h"
#include "kernels/cpu/integer/twin.h"

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace adaq::cpu::integer {
namespace {

#if defined(__SSE2__)

struct BaselineFloats {
    static constexpr int kLanes = 4;
    static constexpr bool kSaturates = false;
    static constexpr bool kFuses = false;
    static constexpr bool kDots = false;
    using Floats = __m128;
    using Ints = __m128i;
    struct CodeRange {};

    static Floats all(float v) { return _mm_set1_ps(v); }
    static Ints all_ints(int32_t v) { return _mm_set1_epi32(v); }
    static CodeRange code_range(int, int, int) { return {}; }
    static Floats load(const float* p, int count) {
        if (count == kLanes) return _mm_loadu_ps(p);
        float part[kLanes] = {};
        for (int i = 0; i < count; ++i) part[i] = p[i];
        return _mm_loadu_ps(part);
    }
    static Ints load_code_ints(const uint8_t* p, int count) {
        uint8_t part[kLanes] = {};
        for (int i = 0; i < count; ++i) part[i] = p[i];
        int32_t word = 0;
        __builtin_memcpy(&word, part, sizeof word);
        const __m128i zero = _mm_setzero_si128(), bytes = _mm_cvtsi32_si128(word);
        return _mm_unpacklo_epi16(_mm_unpacklo_epi8(bytes, zero), zero);
    }
    static Floats load_codes(const uint8_t* p, int count) { return _mm_cvtepi32_ps(load_code_ints(p, count)); }
    static Ints load_ints(const int32_t* p) { return _mm_loadu_si128(reinterpret_cast<const __m128i*>(p)); }
    static void store(float* p, Floats v, int count) {
        float part[kLanes];
        _mm_storeu_ps(part, v);
        for (int i = 0; i < count; ++i) p[i] = part[i];
    }
    static void store_codes(uint8_t* p, Ints v, int count) {
        const __m128i words = _mm_packs_epi32(v, v);
        const int32_t word = _mm_cvtsi128_si32(_mm_packus_epi16(words, words));
        uint8_t part[kLanes];
        __builtin_memcpy(part, &word, sizeof part);
        for (int i = 0; i < count; ++i) p[i] = part[i];
    }
    static Floats floats(const int32_t* p) {
        return _mm_cvtepi32_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
    }
    static Floats floats(const float* p) { return _mm_add_ps(_mm_loadu_ps(p), _mm_setzero_ps()); }
    static Floats floats(const double* p) {
        return _mm_movelh_ps(_mm_cvtpd_ps(_mm_loadu_pd(p)), _mm_cvtpd_ps(_mm_loadu_pd(p + 2)));
    }
    static Floats add(Floats a, Floats b) { return _mm_add_ps(a, b); }
    static Floats sub(Floats a, Floats b) { return _mm_sub_ps(a, b); }
    static Floats fma(Floats a, Floats b, Floats c) {
        float x[kLanes], y[kLanes], z[kLanes];
        _mm_storeu_ps(x, a);
        _mm_storeu_ps(y, b);
        _mm_storeu_ps(z, c);
        for (int i = 0; i < kLanes; ++i) z[i] = __builtin_fmaf(x[i], y[i], z[i]);
        return _mm_loadu_ps(z);
    }
    static Floats mul(Floats a, Floats b) { return _mm_mul_ps(a, b); }
    static Floats div(Floats a, Floats b) { return _mm_div_ps(a, b); }
    static Floats max(Floats bound, Floats v) { return _mm_max_ps(bound, v); }
    static Floats min(Floats bound, Floats v) { return _mm_min_ps(bound, v); }
    static Ints to_ints(Floats v) { return _mm_cvtps_epi32(v); }
    static Ints add_ints(Ints a, Ints b) { return _mm_add_epi32(a, b); }

    // Words: 8 numbers of 16 bits.
    using Words = __m128i;
    static Words load_words(const int16_t* p) { return _mm_loadu_si128(reinterpret_cast<const __m128i*>(p)); }
    static Words load_code_words(const uint8_t* p, int count) {
        uint8_t part[2 * kLanes] = {};
        if (count < 2 * kLanes) {
            for (int i = 0; i < count; ++i) part[i] = p[i];
            p = part;
        }
        return _mm_unpacklo_epi8(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(p)), _mm_setzero_si128());
    }
    static Words interleave_low(Words a, Words b) { return _mm_unpacklo_epi16(a, b); }
    static Words interleave_high(Words a, Words b) { return _mm_unpackhi_epi16(a, b); }
    static Ints add_products(Ints sum, Words a, Words b) { return _mm_add_epi32(sum, _mm_madd_epi16(a, b)); }
    static void store_interleaved(int32_t* p, Ints low, Ints high) {
        _mm_storeu_si128(reinterpret_cast<__m128i*>(p), low);
        _mm_storeu_si128(reinterpret_cast<__m128i*>(p + kLanes), high);
    }

    static Floats from_nearest(Floats v) { return _mm_sub_ps(v, _mm_cvtepi32_ps(_mm_cvtps_epi32(v))); }
    static Floats further(Floats a, Floats b) { return _mm_max_ps(absolute(a), absolute(b)); }
    static Floats absolute(Floats v) { return _mm_andnot_ps(_mm_set1_ps(-0.0f), v); }
    static bool any_beyond(Floats v, float limit) {
        return _mm_movemask_ps(_mm_cmpgt_ps(absolute(v), _mm_set1_ps(limit))) != 0;
    }
};

struct BaselineWords {
    static constexpr Element kElement = Element::word;
    static constexpr int kLanes = 4, kDepth = 2, kColumns = 3, kVectors = 2, kStepBytes = 4, kVectorBytes = 16;
    using Sum = int32_t;
    using Sums = __m128i;
    using Elements = __m128i;
    using Weights = __m128i;

    static Sums load(const Sum* p) { return _mm_loadu_si128(reinterpret_cast<const __m128i*>(p)); }
    static void store(Sum* p, Sums v) { _mm_storeu_si128(reinterpret_cast<__m128i*>(p), v); }
    static Weights load_weights(const unsigned char* p) { return _mm_loadu_si128(reinterpret_cast<const __m128i*>(p)); }
    static Elements broadcast(const unsigned char* p) {
        int32_t word = 0;
        __builtin_memcpy(&word, p, sizeof word);
        return _mm_set1_epi32(word);
    }
    static Sums multiply_add(Sums sum, Elements x, Weights w) { return _mm_add_epi32(sum, _mm_madd_epi16(x, w)); }
};

struct BaselineReals {
    static constexpr Element kElement = Element::real;
    static constexpr int kLanes = 2, kDepth = 1, kColumns = 3, kVectors = 2, kStepBytes = 8, kVectorBytes = 8;
    using Sum = double;
    using Sums = __m128d;
    using Elements = __m128d;
    using Weights = __m128d;

    static Sums load(const Sum* p) { return _mm_loadu_pd(p); }
    static void store(Sum* p, Sums v) { _mm_storeu_pd(p, v); }
    static Weights load_weights(const unsigned char* p) {
        return _mm_cvtps_pd(_mm_castsi128_ps(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(p))));
    }
    static Elements broadcast(const unsigned char* p) {
        double value = 0.0;
        __builtin_memcpy(&value, p, sizeof value);
        return _mm_set1_pd(value);
    }
    static Sums multiply_add(Sums sum, Elements x, Weights w) { return _mm_add_pd(sum, _mm_mul_pd(x, w)); }
};

#else

using BaselineFloats = FloatsTwin<4>;
using BaselineWords = WordsTwin<4, 3>;
using BaselineReals = RealsTwin<2, 3>;

#endif

}  // namespace

const Instructions& baseline_instructions() {
    static constexpr Instructions kAll = instructions<BaselineFloats, SinglesTwin<4, 3>, BaselineReals>(
        "baseline", product_kernels<BaselineWords, BaselineFloats>());
    return kAll;
}

}  // namespace adaq::cpu::integer
