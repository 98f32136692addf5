// Rows of depthwise convolutions in products of bytes: the codes of four taps are interleaved and multiplied by the
// bytes of four weights, whose products are added to 32 bits at once. What comes out is in the order in which codes are
// packed, so that sums never leave registers. Positions of few channels share vectors. Internal linkage, as finish.h.
//
// Cost: of AVX-512's 64 channels four taps are four loads, eight interleavings and four multiply-adds.
#pragma once

#include "kernels/cpu/integer/finish.h"

namespace adaq::cpu::integer {
namespace {  // NOLINT: a header of internal linkage throughout

template <class F>
constexpr int kQuadsChannels = F::kDots ? 4 * F::kLanes : 0;
/// A position has 128 bits at least: what is interleaved stays in as many.
template <class F>
constexpr int kQuadsTogether = F::kLanes / 4;

/// whole: each position has as many channels as it has room.
template <class F, int together, bool whole, bool multiplies>
void multiply_quads(const DepthwiseQuadsJob& job, const BlockJob& epilogue, int64_t first_y) {
    constexpr int kRoom = kQuadsChannels<F> / together, kVector = 4 * F::kLanes;
    const int channels = whole ? kRoom : epilogue.channels;
    const FinishVectors<F> finish(epilogue.finish);
    typename F::Floats scale[4], shift[4];
    for (int j = 0; j < 4; ++j) {
        scale[j] = F::load_quarters(epilogue.scale + 4 * j, kRoom);
        shift[j] = F::load_quarters(epilogue.shift + 4 * j, kRoom);
    }
    const int64_t distance = epilogue.row;
    uint8_t* y = epilogue.codes + first_y * distance;
    for (int64_t i = 0; i < job.run_count; ++i) {
        const DepthwiseRun run = job.runs[i];
        for (int64_t position = 0; position < run.positions; position += together, y += together * distance) {
            const int64_t rest = run.positions - position;
            const int here = rest < together ? static_cast<int>(rest) : together;
            const auto codes_of = [&](int64_t tap) {
                const TapRow row = run.taps[tap];
                return F::template load_together<together>(row.x + position * row.step, row.step, here, channels);
            };
            typename F::Ints sums[4];
            for (int j = 0; j < 4; ++j) sums[j] = F::load_ints(job.start + j * F::kLanes);
            const int8_t* w = job.w;
            int64_t tap = 0;
            for (; tap + 4 <= job.taps; tap += 4, w += 4 * kVector) {
                const typename F::Codes a = codes_of(tap), b = codes_of(tap + 1), c = codes_of(tap + 2),
                                        d = codes_of(tap + 3);
                const typename F::Codes ab_low = F::bytes_low(a, b), ab_high = F::bytes_high(a, b),
                                        cd_low = F::bytes_low(c, d), cd_high = F::bytes_high(c, d);
                sums[0] = F::dot(sums[0], F::pairs_low(ab_low, cd_low), w);
                sums[1] = F::dot(sums[1], F::pairs_high(ab_low, cd_low), w + kVector);
                sums[2] = F::dot(sums[2], F::pairs_low(ab_high, cd_high), w + 2 * kVector);
                sums[3] = F::dot(sums[3], F::pairs_high(ab_high, cd_high), w + 3 * kVector);
            }
            if (tap < job.taps) {
                const typename F::Codes a = codes_of(tap);
                sums[0] = F::dot(sums[0], F::template spread<0>(a), w);
                sums[1] = F::dot(sums[1], F::template spread<1>(a), w + kVector);
                sums[2] = F::dot(sums[2], F::template spread<2>(a), w + 2 * kVector);
                sums[3] = F::dot(sums[3], F::template spread<3>(a), w + 3 * kVector);
            }
            typename F::Ints quotients[4];
            for (int j = 0; j < 4; ++j)
                quotients[j] = bounded_quotient<F, Kind::none, multiplies>(finish, F::to_floats(sums[j]), scale[j],
                                                                           shift[j], {}, 0, 0);
            F::template store_together<together>(F::pack(quotients, finish.range), y, distance, here, channels);
        }
        y -= ((run.positions + together - 1) / together * together - run.positions) * distance;
    }
}

template <class F, int together>
void multiply_quads_of(const DepthwiseQuadsJob& job, const BlockJob& epilogue, int64_t first_y) {
    const bool whole = epilogue.channels == kQuadsChannels<F> / together, multiplies = epilogue.finish.near_tie > 0.5f;
    if (whole) {
        multiplies ? multiply_quads<F, together, true, true>(job, epilogue, first_y)
                   : multiply_quads<F, together, true, false>(job, epilogue, first_y);
    } else {
        multiplies ? multiply_quads<F, together, false, true>(job, epilogue, first_y)
                   : multiply_quads<F, together, false, false>(job, epilogue, first_y);
    }
}

template <class F>
void depthwise_quads(const DepthwiseQuadsJob& job, const BlockJob& epilogue, int64_t first_y) {
    if constexpr (kQuadsTogether<F> == 4) {
        if (job.together == 4) return multiply_quads_of<F, 4>(job, epilogue, first_y);
    }
    if (job.together == 2) return multiply_quads_of<F, 2>(job, epilogue, first_y);
    multiply_quads_of<F, 1>(job, epilogue, first_y);
}

template <class F>
constexpr auto depthwise_quads_of() {
    void (*kernel)(const DepthwiseQuadsJob&, const BlockJob&, int64_t) = nullptr;
    if constexpr (F::kDots) kernel = depthwise_quads<F>;
    return kernel;
}

}  // namespace
}  // namespace adaq::cpu::integer
