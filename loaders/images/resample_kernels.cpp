// See resample_kernels.h. All sums fit 32 bits: 8-bit pixels times weights that add up to 2^22,
// their absolute values to less than twice that.
#include "loaders/images/resample_kernels.h"

#include <algorithm>
#include <atomic>
#include <cstring>

#if defined(__x86_64__)
#define ADAQ_HAS_AVX2_KERNELS 1
#include <immintrin.h>
#else
#define ADAQ_HAS_AVX2_KERNELS 0
#endif

namespace adaq {

namespace {

constexpr int kWeightBits = 22;
constexpr int32_t kHalf = 1 << (kWeightBits - 1);

/// A sum in units of 2^-22, rounded, as a pixel. Bicubic sums overshoot where there are edges.
inline uint8_t pixel_of(int32_t sum) { return static_cast<uint8_t>(std::clamp(sum >> kWeightBits, 0, 255)); }

template <int kChannels>
void resample_row(const uint8_t* in, const ResampleTaps& taps, uint8_t* out) {
    for (size_t x = 0; x < taps.first.size(); ++x, out += kChannels) {
        const int32_t* weight = taps.weights.data() + x * taps.stride;
        const uint8_t* pixel = in + static_cast<ptrdiff_t>(taps.first[x] - taps.first_input()) * kChannels;
        int32_t sum[kChannels];
        std::fill_n(sum, kChannels, kHalf);
        for (int tap = 0; tap < taps.count[x]; ++tap, pixel += kChannels) {
            for (int c = 0; c < kChannels; ++c) sum[c] += pixel[c] * weight[tap];
        }
        for (int c = 0; c < kChannels; ++c) out[c] = pixel_of(sum[c]);
    }
}

/// Columns in blocks whose sums stay in registers; kBlock is a constant so that the compiler vectorises.
template <size_t kBlock>
[[gnu::always_inline]] inline size_t blend_blocks(const uint8_t* in, size_t stride, const int32_t* weights, int count,
                                                  size_t at, size_t bytes, uint8_t* out) {
    for (; at + kBlock <= bytes; at += kBlock) {
        int32_t sum[kBlock];
        for (size_t i = 0; i < kBlock; ++i) sum[i] = kHalf;
        for (int row = 0; row < count; ++row) {
            const uint8_t* pixel = in + row * stride + at;
            for (size_t i = 0; i < kBlock; ++i) sum[i] += pixel[i] * weights[row];
        }
        for (size_t i = 0; i < kBlock; ++i) out[at + i] = pixel_of(sum[i]);
    }
    return at;
}

void blend_rows_plain(const uint8_t* in, size_t stride, const int32_t* weights, int count, size_t bytes, uint8_t* out) {
    const size_t done = blend_blocks<16>(in, stride, weights, count, 0, bytes, out);
    blend_blocks<1>(in, stride, weights, count, done, bytes, out);
}

#if ADAQ_HAS_AVX2_KERNELS

[[gnu::target("avx2")]] void blend_rows_avx2(const uint8_t* in, size_t stride, const int32_t* weights, int count,
                                             size_t bytes, uint8_t* out) {
    const size_t done = blend_blocks<64>(in, stride, weights, count, 0, bytes, out);
    blend_blocks<1>(in, stride, weights, count, done, bytes, out);
}

/// Sums of one output pixel over four taps at a time, as 32-bit numbers in two halves (lanes) that remain to be added.
/// One byte shuffle turns four RGB pixels into 16-bit pairs, taps 0 and 1 in the lower lane, 2 and 3 in the upper: r0
/// r1 g0 g1 b0 b1 . . | r2 r3 g2 g3 b2 b3 . .; multiply-add of pairs is exact with weights split into 11 low bits and
/// the rest, since either part fits 16 bits.
template <int kRows>
[[gnu::target("avx2"), gnu::always_inline]] inline void sum_taps(const uint8_t* pixel, size_t stride,
                                                                 const __m128i* halves, int taps,
                                                                 __m256i (&sum)[kRows]) {
    const __m256i pairs = _mm256_setr_epi8(0, -1, 3, -1, 1, -1, 4, -1, 2, -1, 5, -1, -1, -1, -1, -1,  //
                                           6, -1, 9, -1, 7, -1, 10, -1, 8, -1, 11, -1, -1, -1, -1, -1);
    const __m256i pick_high = _mm256_setr_epi32(0, 0, 0, 0, 1, 1, 1, 1);
    const __m256i pick_low = _mm256_setr_epi32(2, 2, 2, 2, 3, 3, 3, 3);
    __m256i high_sum[kRows], low_sum[kRows];
    for (int row = 0; row < kRows; ++row) high_sum[row] = low_sum[row] = _mm256_setzero_si256();
    for (int tap = 0; tap < taps; tap += ResampleTaps::kGroup, pixel += size_t{3} * ResampleTaps::kGroup, ++halves) {
        const __m256i both = _mm256_castsi128_si256(_mm_loadu_si128(halves));
        const __m256i high = _mm256_permutevar8x32_epi32(both, pick_high);
        const __m256i low = _mm256_permutevar8x32_epi32(both, pick_low);
        for (int row = 0; row < kRows; ++row) {
            const auto* from = reinterpret_cast<const __m128i*>(pixel + row * stride);
            const __m256i four = _mm256_shuffle_epi8(_mm256_broadcastsi128_si256(_mm_loadu_si128(from)), pairs);
            high_sum[row] = _mm256_add_epi32(high_sum[row], _mm256_madd_epi16(four, high));
            low_sum[row] = _mm256_add_epi32(low_sum[row], _mm256_madd_epi16(four, low));
        }
    }
    for (int row = 0; row < kRows; ++row) {
        sum[row] = _mm256_add_epi32(_mm256_slli_epi32(high_sum[row], ResampleTaps::kLowBits), low_sum[row]);
    }
}

/// Adds the halves of two rows' sums, rounds, and drops the fraction: row a in the lower lane, row b in the upper.
[[gnu::target("avx2"), gnu::always_inline]] inline __m256i round_two(__m256i a, __m256i b) {
    const __m256i sum = _mm256_add_epi32(_mm256_permute2x128_si256(a, b, 0x20), _mm256_permute2x128_si256(a, b, 0x31));
    return _mm256_srai_epi32(_mm256_add_epi32(sum, _mm256_set1_epi32(kHalf)), kWeightBits);
}

/// The fourth byte is overwritten by the next pixel; after the last one there may be another row.
inline void store_pixel(int rgb, bool last, uint8_t* out) {
    if (last) {
        std::memcpy(out, &rgb, 3);
    } else {
        std::memcpy(out, &rgb, 4);
    }
}

[[gnu::target("avx2")]] void resample_rgb_avx2(const uint8_t* in, size_t in_stride, int rows, const ResampleTaps& taps,
                                               uint8_t* out, size_t out_stride) {
    const size_t outputs = taps.first.size(), groups = taps.stride / ResampleTaps::kGroup;
    const auto* halves = reinterpret_cast<const __m128i*>(taps.halves.data());
    const int start = taps.first_input();
    for (size_t x = 0; x < outputs; ++x, out += 3, halves += groups) {
        const uint8_t* pixel = in + static_cast<ptrdiff_t>(taps.first[x] - start) * 3;
        const bool last = x + 1 == outputs;
        if (rows == kResampleRows) {
            __m256i sum[kResampleRows];
            sum_taps(pixel, in_stride, halves, taps.count[x], sum);
            const __m256i words = _mm256_packs_epi32(round_two(sum[0], sum[1]), round_two(sum[2], sum[3]));
            const __m256i bytes = _mm256_packus_epi16(words, words);  // rows 0, 2 in the lower lane, 1, 3 in the upper
            const __m128i even = _mm256_castsi256_si128(bytes), odd = _mm256_extracti128_si256(bytes, 1);
            store_pixel(_mm_cvtsi128_si32(even), last, out);
            store_pixel(_mm_cvtsi128_si32(odd), last, out + out_stride);
            store_pixel(_mm_extract_epi32(even, 1), last, out + 2 * out_stride);
            store_pixel(_mm_extract_epi32(odd, 1), last, out + 3 * out_stride);
        } else {
            for (int row = 0; row < rows; ++row) {
                __m256i sum[1];
                sum_taps(pixel + row * in_stride, in_stride, halves, taps.count[x], sum);
                const __m256i words = _mm256_packs_epi32(round_two(sum[0], sum[0]), _mm256_setzero_si256());
                const __m128i bytes = _mm256_castsi256_si128(_mm256_packus_epi16(words, words));
                store_pixel(_mm_cvtsi128_si32(bytes), last, out + row * out_stride);
            }
        }
    }
}

bool has_avx2() { return __builtin_cpu_supports("avx2") != 0; }

#else

bool has_avx2() { return false; }

#endif

std::atomic<bool> fast{has_avx2()};

}  // namespace

void resample_rows(const uint8_t* in, size_t in_stride, int rows, int channels, const ResampleTaps& taps, uint8_t* out,
                   size_t out_stride) {
#if ADAQ_HAS_AVX2_KERNELS
    if (channels == 3 && fast.load(std::memory_order_relaxed)) {
        return resample_rgb_avx2(in, in_stride, rows, taps, out, out_stride);
    }
#endif
    for (int row = 0; row < rows; ++row, in += in_stride, out += out_stride) {
        if (channels == 3) {
            resample_row<3>(in, taps, out);
        } else {
            resample_row<1>(in, taps, out);
        }
    }
}

void blend_rows(const uint8_t* in, size_t stride, const int32_t* weights, int count, size_t bytes, uint8_t* out) {
#if ADAQ_HAS_AVX2_KERNELS
    if (fast.load(std::memory_order_relaxed)) return blend_rows_avx2(in, stride, weights, count, bytes, out);
#endif
    blend_rows_plain(in, stride, weights, count, bytes, out);
}

void use_plain_resample_kernels(bool plain) { fast = !plain && has_avx2(); }

}  // namespace adaq
