// Rows of depthwise convolutions in vectors of channels F. A position's sums stay in registers while its taps pass by;
// taps beyond the edges are left out. Internal linkage, as finish.h.
//
// Cost: a tap of a vector is two loads, a subtraction, a multiplication of 32-bit integers and an addition.
#pragma once

#include "kernels/cpu/integer/finish.h"

namespace adaq::cpu::integer {
namespace {  // NOLINT: a header of internal linkage throughout

/// sums[channel] of one position; count: of the last vector's channels.
template <class F, int vectors>
inline void sum_window(const DepthwiseJob& job, int64_t column, int channel, int count, int32_t* sums) {
    typename F::Ints total[vectors];
    for (int v = 0; v < vectors; ++v) total[v] = F::all_ints(0);
    const typename F::Ints zero = F::all_ints(job.x_zero);
    for (int64_t r = 0; r < job.rows; ++r) {
        for (int64_t s = 0; s < job.columns; ++s) {
            const int64_t at = column + s * job.dilation;
            if (at < 0 || at >= job.width) continue;
            const unsigned char* const x = job.x + r * job.row_codes + at * job.pitch + channel;
            const int16_t* const w = job.w + (r * job.columns + s) * job.pitch + channel;
#pragma GCC unroll 4
            for (int v = 0; v < vectors; ++v) {
                const int n = v + 1 < vectors ? F::kLanes : count;
                const typename F::Ints centred = F::sub_ints(F::load_code_ints(x + v * F::kLanes, n), zero);
                total[v] = F::add_ints(total[v], F::mul_ints(centred, F::load_words(w + v * F::kLanes, n)));
            }
        }
    }
    for (int v = 0; v < vectors; ++v) F::store_ints(sums + v * F::kLanes, total[v]);
}

template <class F>
void depthwise(const DepthwiseJob& row, const BlockJob& epilogue, int64_t first_y) {
    constexpr int kPositions = 16, kVectors = 4, kChannels = kVectors * F::kLanes;
    alignas(64) int32_t sums[kPositions * kDepthwiseChannels];
    const FinishVectors<F> finish(epilogue.finish);
    const FinishTile<F, int32_t> finish_tile = finish_for<F, int32_t>(epilogue);
    for (int64_t done = 0; done < row.positions; done += kPositions) {
        const int64_t rest = row.positions - done;
        const int positions = rest < kPositions ? static_cast<int>(rest) : kPositions;
        for (int i = 0; i < positions; ++i) {
            const int64_t column = (done + i) * row.stride - row.left;
            int32_t* const to = sums + int64_t{i} * kDepthwiseChannels;
            int channel = 0;
            for (; channel + kChannels <= row.channels; channel += kChannels)
                sum_window<F, kVectors>(row, column, channel, F::kLanes, to + channel);
            for (; channel < row.channels; channel += F::kLanes) {
                const int left = row.channels - channel;
                if (left >= F::kLanes) {
                    sum_window<F, 1>(row, column, channel, F::kLanes, to + channel);
                } else {
                    sum_window<F, 1>(row, column, channel, left, to + channel);
                }
            }
        }
        for (int i = 0; row.bias != nullptr && i < positions; ++i)
            for (int c = 0; c < row.channels; ++c) sums[i * kDepthwiseChannels + c] += row.bias[c];
        const TilePlace tile{{0, 0}, {first_y + done, 0}, positions, 1, 0, 0, 0};
        finish_tile(epilogue, tile, finish, sums, kDepthwiseChannels);
    }
}

}  // namespace
}  // namespace adaq::cpu::integer
