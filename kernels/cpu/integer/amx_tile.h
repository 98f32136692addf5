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

/// Where a tile's products are: a chunk of a run's steps.
struct Place {
    const unsigned char *x[2], *w;
    int64_t step;
    int run;

    Place(const BlockJob& job, const TilePlace& tile, int64_t row_bytes)
        : w(job.w + tile.first_run * job.steps * row_bytes), step(0), run(tile.first_run) {
        if (run < tile.last_run) begin_run(job, tile);
    }
    /// To the next chunk. Returns whether there is one.
    bool advance(const BlockJob& job, const TilePlace& tile, int64_t row_bytes) {
        w += job.chunk * row_bytes;
        step += job.chunk;
        if (step < job.steps) {
            for (const unsigned char*& from : x) from += 4 * job.chunk;
            return true;
        }
        step = 0;
        if (++run == tile.last_run) return false;
        begin_run(job, tile);
        return true;
    }
    void begin_run(const BlockJob& job, const TilePlace& tile) {
        for (int segment = 0; segment < 2; ++segment)
            x[segment] = job.x + tile.x[segment < tile.segments ? segment : 0] + job.runs[run];
    }
};

/// A tile's share of a chunk's bytes, of the weights that the next block will want.
struct Ahead {
    int64_t first, last;

    Ahead(const BlockJob& job, int64_t i) : first(share(job, i)), last(share(job, i + 1)) {}
    static int64_t share(const BlockJob& job, int64_t i) {
        const int64_t lines = job.chunk * job.vectors;
        return lines * i / job.tile_count * kTileRowBytes;
    }
};

/// A chunk's operands are loaded as soon as the registers are free that held the last one's. between(): called once a
/// chunk.
template <class T, bool two_segments, bool two_vectors, class Between>
void multiply_segments(T& t, const BlockJob& job, const TilePlace& tile, int32_t* sums, const Ahead& ahead,
                       const Between& between) {
    constexpr int64_t kVectors = two_vectors ? 2 : 1, kRowBytes = kVectors * kTileRowBytes;
    const auto* start = static_cast<const unsigned char*>(job.start);
    t.template load_sums<0, 0>(start, 0);
    if constexpr (two_vectors) t.template load_sums<0, 1>(start + kTileRowBytes, 0);
    if constexpr (two_segments) t.template load_sums<1, 0>(start, 0);
    if constexpr (two_segments && two_vectors) t.template load_sums<1, 1>(start + kTileRowBytes, 0);
    Place place(job, tile, kRowBytes);
    bool more = tile.first_run < tile.last_run;
    if (more) {
        t.template load_x<0>(place.x[0], job.column_bytes);
        t.template load_weights<0>(place.w, kRowBytes);
        if constexpr (two_segments) t.template load_x<1>(place.x[1], job.column_bytes);
        if constexpr (two_vectors) t.template load_weights<1>(place.w + kTileRowBytes, kRowBytes);
    }
    while (more) {
        if (job.next_w != 0) {
            for (int64_t byte = ahead.first; byte < ahead.last; byte += kTileRowBytes)
                __builtin_prefetch(place.w + job.next_w + byte, 0, 2);
        }
        more = place.advance(job, tile, kRowBytes);
        t.template multiply_add<0, 0>();
        if constexpr (two_vectors) t.template multiply_add<0, 1>();
        if (more) t.template load_x<0>(place.x[0], job.column_bytes);
        if constexpr (two_segments) t.template multiply_add<1, 0>();
        if (more) t.template load_weights<0>(place.w, kRowBytes);
        if constexpr (two_segments && two_vectors) t.template multiply_add<1, 1>();
        if constexpr (two_segments)
            if (more) t.template load_x<1>(place.x[1], job.column_bytes);
        if constexpr (two_vectors)
            if (more) t.template load_weights<1>(place.w + kTileRowBytes, kRowBytes);
        between();
    }
    auto* bytes = reinterpret_cast<unsigned char*>(sums);
    t.template store_sums<0, 0>(bytes, kRowBytes);
    if constexpr (two_vectors) t.template store_sums<0, 1>(bytes + kTileRowBytes, kRowBytes);
    bytes += tile.columns * kRowBytes;
    if constexpr (two_segments) t.template store_sums<1, 0>(bytes, kRowBytes);
    if constexpr (two_segments && two_vectors) t.template store_sums<1, 1>(bytes + kTileRowBytes, kRowBytes);
}

template <class T, bool two_vectors, class Between>
void multiply_matrices(T& t, const BlockJob& job, const TilePlace& tile, int32_t* sums, const Ahead& ahead,
                       const Between& between) {
    tile.segments == 1 ? multiply_segments<T, false, two_vectors>(t, job, tile, sums, ahead, between)
                       : multiply_segments<T, true, two_vectors>(t, job, tile, sums, ahead, between);
}

/// Sums of two tiles, which take turns.
template <class F, int vectors>
struct TileSums {
    static constexpr int kPitch = vectors * F::kLanes;
    alignas(64) int32_t of[2][2 * kTileRows * kPitch];
};

/// between(): as above; finish(tile, sums): called behind each tile.
template <class T, class F, int vectors, class Between, class Finish>
void multiply_tiles(const BlockJob& job, TileSums<F, vectors>& sums, const Between& between, const Finish& finish) {
    T t;
    int configured = 0;
    for (int64_t i = 0; i < job.tile_count; ++i) {
        const TilePlace& tile = job.tiles[i];
        if (tile.columns != configured) t.configure(tile.columns, static_cast<int>(job.chunk));
        configured = tile.columns;
        multiply_matrices<T, vectors == 2>(t, job, tile, sums.of[i % 2], Ahead(job, i), between);
        if (job.w_zero != nullptr)
            correct_weights_zero(job, job.windows + i * kMostPositions, tile.segments * tile.columns, sums.kPitch,
                                 sums.of[i % 2]);
        finish(tile, sums.of[i % 2]);
    }
    t.release();
}

/// A tile's epilogue comes in parts between the next tile's products: vector units work while the matrix unit
/// multiplies.
template <class T, class F, Kind residual, bool multiplies, int vectors>
void run_bounded_matrix_block(const BlockJob& job) {
    constexpr int kPartsAtOnce = 2;  // more would wait longer for vector units than a chunk for the matrix unit
    BoundedFinish<F, residual, multiplies, vectors> finish(job);
    const auto between = [&] {
        for (int part = 0; part < kPartsAtOnce && finish.parts() > 0; ++part) finish.finish_part();
    };
    TileSums<F, vectors> sums;
    multiply_tiles<T>(job, sums, between, [&](const TilePlace& tile, const int32_t* of_tile) {
        finish.finish_rest();
        finish.begin(tile, of_tile);
    });
    finish.finish_rest();
}

template <class T, class F>
void run_matrix_block(const BlockJob& job) {
    if (if_bounded<F>(job, [&]<Kind residual, bool multiplies, int vectors>() {
            run_bounded_matrix_block<T, F, residual, multiplies, vectors>(job);
        }))
        return;
    const FinishVectors<F> finish(job.finish);
    const auto finish_tile = finisher_for<F, int32_t>(job);
    const auto finish_whole = [&](const TilePlace& tile, const int32_t* sums) {
        finish_tile(job, tile, finish, sums, job.vectors * F::kLanes);
    };
    const auto run = [&]<int vectors>() {
        TileSums<F, vectors> sums;
        multiply_tiles<T>(
            job, sums, [] {}, finish_whole);
    };
    job.vectors == 1 ? run.template operator()<1>() : run.template operator()<2>();
}

template <class T, class F>
constexpr ProductKernels matrix_kernels() {
    return {Element::byte, 16, 4, kTileRows, kTileRows, 2, run_matrix_block<T, F>};
}

}  // namespace
}  // namespace adaq::cpu::integer
