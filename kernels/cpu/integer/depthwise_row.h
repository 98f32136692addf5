// Rows of depthwise convolutions by groups of channels: two vectors F of 32-bit sums. A position's sums stay in
// registers while its taps pass by, two at a time: their codes are interleaved, as words, and multiplied by the words
// of two weights, whose products are added to 32 bits at once. Internal linkage, as finish.h.
//
// Cost: two taps of a group are two loads, two interleavings and two multiply-adds; positions side by side share the
// loads of weights.
#pragma once

#include "kernels/cpu/integer/finish.h"

namespace adaq::cpu::integer {
namespace {  // NOLINT: a header of internal linkage throughout

/// Channels that are multiplied together.
template <class F>
constexpr int kDepthwiseGroup = 2 * F::kLanes;

/// sums[position][channel] of positions side by side, from the first one's corner at a group's first channel; count: of
/// the group's channels. beside: some taps may lie beside the map.
template <class F, int positions, bool beside>
inline void sum_windows(const DepthwiseJob& job, int64_t position, int channel, int count, int32_t* sums) {
    constexpr int64_t kGroup = kDepthwiseGroup<F>;
    typename F::Ints low[positions], high[positions];
    for (int i = 0; i < positions; ++i) {
        low[i] = F::load_ints(job.start + channel);
        high[i] = F::load_ints(job.start + channel + F::kLanes);
    }
    const int64_t column = position * job.stride - job.left, step = job.stride * job.pitch;
    const unsigned char* const corner = job.x + (job.top * job.width + column) * job.pitch + channel;
    const auto at = [&](const DepthwiseTap& tap) {
        if constexpr (beside) {
            const int64_t h = job.top + tap.row, w = column + tap.column;
            if (h < 0 || h >= job.height || w < 0 || w >= job.width) return job.zero;
        }
        return corner + tap.offset;
    };
    const int16_t* w = job.w + job.pairs * 2 * channel;
    for (int64_t pair = 0; pair < job.pairs; ++pair, w += 2 * kGroup) {
        const unsigned char *const first = at(job.taps[2 * pair]), *const second = at(job.taps[2 * pair + 1]);
        const typename F::Words w_low = F::load_words(w), w_high = F::load_words(w + kGroup);
#pragma GCC unroll 4
        for (int i = 0; i < positions; ++i) {
            const typename F::Words a = F::load_code_words(first + i * step, count),
                                    b = F::load_code_words(second + i * step, count);
            low[i] = F::add_products(low[i], F::interleave_low(a, b), w_low);
            high[i] = F::add_products(high[i], F::interleave_high(a, b), w_high);
        }
    }
    for (int i = 0; i < positions; ++i)
        F::store_interleaved(sums + int64_t{i} * kDepthwiseChannels + channel, low[i], high[i]);
}

template <class F, int positions, bool beside>
inline void sum_channels(const DepthwiseJob& job, int64_t position, int32_t* sums) {
    constexpr int kGroup = kDepthwiseGroup<F>;
    int channel = 0;
    for (; channel + kGroup <= job.channels; channel += kGroup)
        sum_windows<F, positions, beside>(job, position, channel, kGroup, sums);
    if (channel < job.channels) sum_windows<F, positions, beside>(job, position, channel, job.channels - channel, sums);
}

template <class F>
void depthwise(const DepthwiseJob& row, const BlockJob& epilogue, int64_t first_y) {
    constexpr int kPositions = 16, kSideBySide = 4;
    alignas(64) int32_t sums[kPositions * kDepthwiseChannels];
    const FinishVectors<F> finish(epilogue.finish);
    const auto finish_tile = finisher_for<F, int32_t>(epilogue);
    // Windows of positions [first, last) lie in the map.
    int64_t first = (row.left + row.stride - 1) / row.stride, last = row.width - 1 - row.last_column + row.left;
    last = last < 0 ? 0 : last / row.stride + 1;
    if (row.top < 0 || row.top + row.last_row >= row.height) last = 0;
    for (int64_t done = 0; done < row.positions; done += kPositions) {
        const int64_t rest = row.positions - done, end = done + (rest < kPositions ? rest : kPositions);
        for (int64_t position = done; position < end;) {
            int32_t* const to = sums + (position - done) * kDepthwiseChannels;
            if (position < first || position >= last) {
                sum_channels<F, 1, true>(row, position, to);
                ++position;
            } else if (position + kSideBySide <= end && position + kSideBySide <= last) {
                sum_channels<F, kSideBySide, false>(row, position, to);
                position += kSideBySide;
            } else {
                sum_channels<F, 1, false>(row, position, to);
                ++position;
            }
        }
        const int columns = static_cast<int>(end - done);
        const TilePlace tile{{0, 0}, {first_y + done, 0}, columns, columns, columns, 1, 0, 0, 0};
        finish_tile(epilogue, tile, finish, sums, kDepthwiseChannels);
    }
}

}  // namespace
}  // namespace adaq::cpu::integer
