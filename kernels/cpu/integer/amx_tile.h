// Products of tiles by matrix instructions T (AMX): two segments of up to 16 positions by two vectors of 16 channels,
// four sums in tile registers. A step is 4 bytes of depth, an instruction takes up to 16 steps. Internal linkage, as
// finish.h.
//
// A segment of x is a matrix as it lies: its rows are positions at equal distances. Packed weights are one, too: its
// rows are steps. The sums begin with a matrix all of whose rows are the same (distance 0).
#pragma once

#include "kernels/cpu/integer/tile.h"

namespace adaq::cpu::integer {
namespace {  // NOLINT: a header of internal linkage throughout

constexpr int kTileRows = 16, kTileRowBytes = 64;

template <class T, bool two_segments, bool two_vectors>
void multiply_matrices(T& t, const BlockJob& job, const TilePlace& tile, int32_t* sums) {
    const int64_t vectors = two_vectors ? 2 : 1, row_bytes = vectors * kTileRowBytes, x_bytes = 4 * job.chunk;
    const auto* start = static_cast<const unsigned char*>(job.start);
    t.template load_sums<0, 0>(start, 0);
    if constexpr (two_vectors) t.template load_sums<0, 1>(start + kTileRowBytes, 0);
    if constexpr (two_segments) t.template load_sums<1, 0>(start, 0);
    if constexpr (two_segments && two_vectors) t.template load_sums<1, 1>(start + kTileRowBytes, 0);
    const unsigned char* w = job.w + tile.first_run * job.steps * vectors * kTileRowBytes;
    for (int run = tile.first_run; run < tile.last_run; ++run) {
        const unsigned char* first = job.x + tile.x[0] + job.runs[run];
        const unsigned char* second = job.x + tile.x[two_segments ? 1 : 0] + job.runs[run];
        for (int64_t step = 0; step < job.steps; step += job.chunk) {
            t.template load_x<0>(first, job.column_bytes);
            if constexpr (two_segments) t.template load_x<1>(second, job.column_bytes);
            t.template load_weights<0>(w, row_bytes);
            if constexpr (two_vectors) t.template load_weights<1>(w + kTileRowBytes, row_bytes);
            t.template multiply_add<0, 0>();
            if constexpr (two_vectors) t.template multiply_add<0, 1>();
            if constexpr (two_segments) t.template multiply_add<1, 0>();
            if constexpr (two_segments && two_vectors) t.template multiply_add<1, 1>();
            first += x_bytes, second += x_bytes, w += job.chunk * row_bytes;
        }
    }
    auto* bytes = reinterpret_cast<unsigned char*>(sums);
    t.template store_sums<0, 0>(bytes, row_bytes);
    if constexpr (two_vectors) t.template store_sums<0, 1>(bytes + kTileRowBytes, row_bytes);
    bytes += tile.columns * row_bytes;
    if constexpr (two_segments) t.template store_sums<1, 0>(bytes, row_bytes);
    if constexpr (two_segments && two_vectors) t.template store_sums<1, 1>(bytes + kTileRowBytes, row_bytes);
}

template <class T>
void multiply_matrices(T& t, const BlockJob& job, const TilePlace& tile, int32_t* sums) {
    if (tile.segments == 1) {
        job.vectors == 1 ? multiply_matrices<T, false, false>(t, job, tile, sums)
                         : multiply_matrices<T, false, true>(t, job, tile, sums);
    } else {
        job.vectors == 1 ? multiply_matrices<T, true, false>(t, job, tile, sums)
                         : multiply_matrices<T, true, true>(t, job, tile, sums);
    }
}

template <class T, class F>
void run_matrix_block(const BlockJob& job) {
    constexpr int kLanes = 16;
    alignas(64) int32_t sums[2 * kTileRows * 2 * kLanes];
    const FinishVectors<F> finish(job.finish);
    const FinishTile<F, int32_t> finish_tile = finish_for<F, int32_t>(job);
    const int pitch = job.vectors * kLanes;
    T t;
    int configured = 0;
    for (int64_t i = 0; i < job.tile_count; ++i) {
        const TilePlace& tile = job.tiles[i];
        if (tile.columns != configured) t.configure(tile.columns, static_cast<int>(job.chunk));
        configured = tile.columns;
        multiply_matrices(t, job, tile, sums);
        if (job.w_zero != nullptr)
            correct_weights_zero(job, job.windows + i * kMostPositions, tile.segments * tile.columns, pitch, sums);
        finish_tile(job, tile, finish, sums, pitch);
    }
    t.release();
}

template <class T, class F>
constexpr ProductKernels matrix_kernels() {
    return {Element::byte, 16, 4, kTileRows, kTileRows, 2, run_matrix_block<T, F>};
}

}  // namespace
}  // namespace adaq::cpu::integer
