// Products of tiles by vector instructions I, which broadcast a step's elements of one position and multiply them by
// the weights of a vector of channels. All sums of a tile stay in registers: for 14 positions and two vectors 28 of
// AVX-512's 32. Internal linkage, as finish.h.
//
// Loads and multiplications of a step: with 14 positions 16 loads to 28 multiplications, so that a processor that does
// two of each a cycle is bound by the multiplications.
#pragma once

#include "kernels/cpu/integer/columns.h"
#include "kernels/cpu/integer/depthwise_row.h"

namespace adaq::cpu::integer {
namespace {  // NOLINT: a header of internal linkage throughout

template <class Sum>
constexpr bool kIsInteger = false;
template <>
constexpr bool kIsInteger<int32_t> = true;

template <class I>
using MultiplyTile = void (*)(const BlockJob&, const TilePlace&, int64_t ahead, typename I::Sum*);

/// ahead: so many bytes behind the weights that it reads lie those that are wanted next.
template <class I, int segments, int columns, int vectors>
void multiply_tile(const BlockJob& job, const TilePlace& tile, int64_t ahead, typename I::Sum* sums) {
    typename I::Sums total[segments][columns][vectors];
    for (int v = 0; v < vectors; ++v) {
        const typename I::Sums start = I::load(static_cast<const typename I::Sum*>(job.start) + v * I::kLanes);
        for (int g = 0; g < segments; ++g)
            for (int c = 0; c < columns; ++c) total[g][c][v] = start;
    }
    // Seven positions at equal distances are addressed by the first, the distance, and its multiples by 3 and 5.
    const int64_t one = job.column_bytes, three = 3 * one, five = 5 * one;
    const unsigned char* w = job.w + tile.first_run * job.steps * vectors * I::kVectorBytes;
    for (int run = tile.first_run; run < tile.last_run; ++run) {
        const unsigned char* first = job.x + tile.x[0] + job.runs[run];
        const unsigned char* second = job.x + tile.x[segments - 1] + job.runs[run];
        for (const unsigned char* end = first + I::kStepBytes * job.steps; first != end;
             first += I::kStepBytes, second += I::kStepBytes, w += vectors * I::kVectorBytes) {
            typename I::Weights weights[vectors];
            for (int v = 0; v < vectors; ++v) weights[v] = I::load_weights(w + v * I::kVectorBytes);
            constexpr int kLine = 64;
            for (int byte = 0; byte < vectors * I::kVectorBytes; byte += kLine)
                __builtin_prefetch(w + ahead + byte, 0, 2);
#pragma GCC unroll 2
            for (int g = 0; g < segments; ++g) {
                const unsigned char* x = g == 0 ? first : second;
#pragma GCC unroll 8
                for (int c = 0; c < columns; ++c) {
                    const int64_t multiples[] = {0, one, 2 * one, three, 4 * one, five, 2 * three};
                    const typename I::Elements elements = I::broadcast(x + multiples[c]);
#pragma GCC unroll 4
                    for (int v = 0; v < vectors; ++v)
                        total[g][c][v] = I::multiply_add(total[g][c][v], elements, weights[v]);
                }
            }
        }
    }
    for (int g = 0; g < segments; ++g)
        for (int c = 0; c < columns; ++c)
            for (int v = 0; v < vectors; ++v)
                I::store(sums + ((g * columns + c) * vectors + v) * I::kLanes, total[g][c][v]);
}

template <class I, int columns = I::kColumns>
MultiplyTile<I> multiply_for(int segments, int wanted, int vectors) {
    if constexpr (columns == 0) {
        return nullptr;
    } else {
        if (wanted < columns) return multiply_for<I, columns - 1>(segments, wanted, vectors);
        if (segments == 1) return vectors == 1 ? multiply_tile<I, 1, columns, 1> : multiply_tile<I, 1, columns, 2>;
        return vectors == 1 ? multiply_tile<I, 2, columns, 1> : multiply_tile<I, 2, columns, 2>;
    }
}

/// sums[position][channel] -= w_zero[channel] * (sum of the position's window)
inline void correct_weights_zero(const BlockJob& job, const int32_t* windows, int positions, int pitch, int32_t* sums) {
    for (int i = 0; i < positions; ++i) {
        const auto window = static_cast<uint32_t>(windows[i]);
        for (int j = 0; j < pitch; ++j) {
            uint32_t sum = static_cast<uint32_t>(sums[i * pitch + j]);
            sum -= static_cast<uint32_t>(job.w_zero[j]) * window;  // modulo 2^32, as everything before
            sums[i * pitch + j] = static_cast<int32_t>(sum);
        }
    }
}
inline void correct_weights_zero(const BlockJob&, const int32_t*, int, int, float*) {}
inline void correct_weights_zero(const BlockJob&, const int32_t*, int, int, double*) {}

template <class I, class F, class FinishTile>
void run_tiles(const BlockJob& job, const FinishTile& finish_tile) {
    alignas(64) typename I::Sum sums[2 * I::kColumns * I::kVectors * I::kLanes];
    const int pitch = job.vectors * I::kLanes;
    for (int64_t i = 0; i < job.tile_count; ++i) {
        const TilePlace& tile = job.tiles[i];
        const int64_t ahead = i + 1 == job.tile_count ? job.next_w : 0;
        multiply_for<I>(tile.segments, tile.columns, job.vectors)(job, tile, ahead, sums);
        if (job.w_zero != nullptr)
            correct_weights_zero(job, job.windows + i * kMostPositions, tile.segments * tile.columns, pitch, sums);
        finish_tile(tile, sums, pitch);
    }
}

/// Calls run(finish_tile), where finish_tile(tile, sums, pitch) is the job's epilogue.
template <class I, class F, class Run>
inline void with_epilogue(const BlockJob& job, const Run& run) {
    if constexpr (F::kFuses && I::kVectors == 2 && I::kLanes == F::kLanes && kIsInteger<typename I::Sum>) {
        if (if_bounded<F>(job, [&]<Kind residual, bool multiplies, int vectors>() {
                BoundedFinish<F, residual, multiplies, vectors> finish(job);
                run([&](const TilePlace& tile, const int32_t* sums, int) {
                    finish.begin(tile, sums);
                    finish.finish_rest();
                });
            }))
            return;
    }
    const FinishVectors<F> finish(job.finish);
    const auto finish_tile = finisher_for<F, typename I::Sum>(job);
    run([&](const TilePlace& tile, const typename I::Sum* sums, int pitch) {
        finish_tile(job, tile, finish, sums, pitch);
    });
}

template <class I, class F>
void run_block(const BlockJob& job) {
    with_epilogue<I, F>(job, [&](const auto& finish_tile) { run_tiles<I, F>(job, finish_tile); });
}

template <class I, class F>
constexpr ProductKernels product_kernels() {
    return {I::kElement, I::kLanes, I::kDepth, I::kColumns, 1, I::kVectors, run_block<I, F>};
}

/// All of an instruction set: sums of floats by Singles and Reals, what follows products by F.
template <class F, class Singles, class Reals>
constexpr Instructions instructions(const char* name, const ProductKernels& integers,
                                    const WinogradKernels& winograd_words = {},
                                    const WinogradKernels& winograd_bytes = {}) {
    return {name,
            integers,
            product_kernels<Singles, F>(),
            product_kernels<Reals, F>(),
            winograd_words,
            winograd_bytes,
            pointwise<F>,
            kDepthwiseGroup<F>,
            depthwise<F>,
            kColumnsChannels<F>,
            kColumnsTogether<F>,
            depthwise_columns_of<F>()};
}

}  // namespace
}  // namespace adaq::cpu::integer
