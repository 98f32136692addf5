// See integer_peak.h. As in peak.cpp, a function's target attribute lets it use instructions that the rest may not.
#include "tools/bench/integer_peak.h"

#include <algorithm>
#include <chrono>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace adaq {
namespace {

using cpu::integer::Level;

struct Kernel {
    double products_a_round;
    int (*run)(int64_t rounds, int start);
};

#if defined(__x86_64__)
// Chains that do not depend on each other: as peak.cpp has them.
constexpr int kChains512 = 16, kChains256 = 12;

#define ADAQ_INLINE_FOR(instructions) __attribute__((target(instructions), always_inline)) inline

ADAQ_INLINE_FOR("avx512f") void begin(__m512i (&sums)[kChains512], int start) {
#pragma GCC unroll 16
    for (int k = 0; k < kChains512; ++k) sums[k] = _mm512_set1_epi32(start + k);
}
ADAQ_INLINE_FOR("avx512f") int end(const __m512i (&sums)[kChains512]) {
    int all = 0;
#pragma GCC unroll 16
    for (int k = 0; k < kChains512; ++k) all ^= _mm512_cvtsi512_si32(sums[k]);
    return all;
}
ADAQ_INLINE_FOR("avx2") void begin(__m256i (&sums)[kChains256], int start) {
#pragma GCC unroll 12
    for (int k = 0; k < kChains256; ++k) sums[k] = _mm256_set1_epi32(start + k);
}
ADAQ_INLINE_FOR("avx2") int end(const __m256i (&sums)[kChains256]) {
    int all = 0;
#pragma GCC unroll 12
    for (int k = 0; k < kChains256; ++k) all ^= _mm_cvtsi128_si32(_mm256_castsi256_si128(sums[k]));
    return all;
}

__attribute__((target("avx512f,avx512vnni"))) int run_avx512_vnni(int64_t rounds, int start) {
    const __m512i x = _mm512_set1_epi32(start), w = _mm512_set1_epi32(start + 1);
    __m512i sums[kChains512];
    begin(sums, start);
    for (int64_t i = 0; i < rounds; ++i) {
#pragma GCC unroll 16
        for (int k = 0; k < kChains512; ++k) sums[k] = _mm512_dpbusd_epi32(sums[k], x, w);
    }
    return end(sums);
}

__attribute__((target("avx512f,avx512bw"))) int run_avx512(int64_t rounds, int start) {
    const __m512i w = _mm512_set1_epi32(start + 1);
    __m512i sums[kChains512];
    begin(sums, start);
    for (int64_t i = 0; i < rounds; ++i) {
#pragma GCC unroll 16
        for (int k = 0; k < kChains512; ++k) sums[k] = _mm512_add_epi32(sums[k], _mm512_madd_epi16(sums[k], w));
    }
    return end(sums);
}

__attribute__((target("avx2,avxvnni"))) int run_avx_vnni(int64_t rounds, int start) {
    const __m256i x = _mm256_set1_epi32(start), w = _mm256_set1_epi32(start + 1);
    __m256i sums[kChains256];
    begin(sums, start);
    for (int64_t i = 0; i < rounds; ++i) {
#pragma GCC unroll 12
        for (int k = 0; k < kChains256; ++k) {
            sums[k] = _mm256_dpbusd_avx_epi32(sums[k], x, w);
            asm("" : "+x"(sums[k]));  // GCC 12 would keep copies of sums in memory
        }
    }
    return end(sums);
}

__attribute__((target("avx2"))) int run_avx2(int64_t rounds, int start) {
    const __m256i w = _mm256_set1_epi32(start + 1);
    __m256i sums[kChains256];
    begin(sums, start);
    for (int64_t i = 0; i < rounds; ++i) {
#pragma GCC unroll 12
        for (int k = 0; k < kChains256; ++k) {
            sums[k] = _mm256_add_epi32(sums[k], _mm256_madd_epi16(sums[k], w));
            asm("" : "+x"(sums[k]));
        }
    }
    return end(sums);
}

__attribute__((target("amx-tile,amx-int8"))) int run_amx(int64_t rounds, int start) {
    struct alignas(64) {
        uint8_t palette = 1, start_row = 0, reserved[14] = {};
        uint16_t row_bytes[16] = {64, 64, 64, 64, 64, 64, 64, 64};
        uint8_t rows[16] = {16, 16, 16, 16, 16, 16, 16, 16};
    } configuration;
    alignas(64) int tile[256];
    std::fill_n(tile, 256, start);
    _tile_loadconfig(&configuration);
    _tile_loadd(4, tile, 64);
    _tile_loadd(5, tile, 64);
    _tile_loadd(6, tile, 64);
    _tile_loadd(7, tile, 64);
    for (int64_t i = 0; i < rounds; ++i) {
        _tile_dpbusd(0, 4, 6);
        _tile_dpbusd(1, 4, 7);
        _tile_dpbusd(2, 5, 6);
        _tile_dpbusd(3, 5, 7);
    }
    _tile_stored(0, tile, 64);
    _tile_release();
    return tile[0];
}
#endif

Kernel kernel_of(Level level) {
    switch (level) {
#if defined(__x86_64__)
        case Level::amx:
            return {4.0 * 16 * 16 * 64, run_amx};
        case Level::avx512_vnni:
            return {64.0 * kChains512, run_avx512_vnni};
        case Level::avx512:
            return {32.0 * kChains512, run_avx512};
        case Level::avx_vnni:
            return {32.0 * kChains256, run_avx_vnni};
        case Level::avx2:
            return {16.0 * kChains256, run_avx2};
#endif
        default:
            return {0.0, nullptr};
    }
}

double best_rate(const Kernel& kernel, int slices, int64_t rounds, int start) {
    volatile int sink = 0;
    double best = 0.0;
    for (int i = 0; i < slices; ++i) {
        const auto begin = std::chrono::steady_clock::now();
        sink = sink ^ kernel.run(rounds, start + i);
        const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
        best = std::max(best, kernel.products_a_round * static_cast<double>(rounds) / seconds);
    }
    return best;
}

}  // namespace

double measure_integer_peak(Level level, int threads) {
    constexpr int kSlices = 200;
    constexpr int64_t kRounds = 1 << 15;
    const Kernel kernel = kernel_of(level);
    if (kernel.run == nullptr) return 0.0;
    double products = 0.0;
#pragma omp parallel num_threads(threads) reduction(+ : products)
    products += best_rate(kernel, kSlices, kRounds, threads);
    return products;
}

}  // namespace adaq
