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
void multiply_matrices(T& t, const BlockJob& job, const TilePlace& tile, int32_t* sums, const Ahead& ahead,
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

template <class T, class Between>
void multiply_matrices(T& t, const BlockJob& job, const TilePlace& tile, int32_t* sums, const Ahead& ahead,
                       const Between& between) {
    if (tile.segments == 1) {
        job.vectors == 1 ? multiply_matrices<T, false, false>(t, job, tile, sums, ahead, between)
                         : multiply_matrices<T, false, true>(t, job, tile, sums, ahead, between);
    } else {
        job.vectors == 1 ? multiply_matrices<T, true, false>(t, job, tile, sums, ahead, between)
                         : multiply_matrices<T, true, true>(t, job, tile, sums, ahead, between);
    }
}

/// A tile's epilogue, in parts.
template <class F>
class TileFinish {
  public:
    explicit TileFinish(const BlockJob& job)
        : job_(job), finish_(job.finish), finishers_(finishers_for<F, int32_t>(job)), pitch_(job.vectors * F::kLanes) {}

    /// Of tile i, whose sums are there.
    void begin(int64_t i, int32_t* sums) {
        tile_ = job_.tiles + i;
        sums_ = sums;
        if (job_.w_zero != nullptr)
            correct_weights_zero(job_, job_.windows + i * kMostPositions, tile_->segments * tile_->columns, pitch_,
                                 sums_);
        const int lines = (tile_->columns + tile_->line_distance - 1) / tile_->line_distance;
        parts_ = tile_->segments * ((job_.channels + F::kLanes - 1) / F::kLanes) * lines *
                 ((tile_->line_columns + kPositions - 1) / kPositions);
        between_ = (tile_->line_distance - tile_->line_columns) * job_.column_rows;
        channel_ = 0;
        begin_segment(0);
    }
    int parts() const { return parts_; }  // that are left
    void finish_part() {
        if (parts_ == 0) return;
        --parts_;
        const int end = first_ + kPositions, last = end < line_end_ ? end : line_end_;
        finishers_.part(job_, finish_, sums_, pitch_, y_, channel_, first_ > done_ ? first_ : done_, last);
        first_ = last;
        if (last == line_end_) end_line();
    }
    /// As long as no part is finished.
    void finish_all() {
        finishers_.tile(job_, *tile_, finish_, sums_, pitch_);
        parts_ = 0;
    }

  private:
    static constexpr int kPositions = 8;  // of a part

    void begin_segment(int segment) {
        segment_ = segment;
        y_ = tile_->y[segment];
        first_ = 0;
        line_end_ = tile_->line_columns;
        done_ = segment == 0 ? 0 : tile_->done;
    }
    void end_line() {
        first_ = line_end_ - tile_->line_columns + tile_->line_distance;
        line_end_ += tile_->line_distance;
        y_ -= between_;
        if (first_ < tile_->columns) return;
        if (segment_ + 1 < tile_->segments) {
            sums_ += int64_t{tile_->columns} * pitch_;
            begin_segment(segment_ + 1);
            return;
        }
        sums_ -= int64_t{segment_} * tile_->columns * pitch_;
        channel_ += F::kLanes;
        begin_segment(0);
    }

    const BlockJob& job_;
    const FinishVectors<F> finish_;
    const Finishers<F, int32_t> finishers_;
    int pitch_;
    int parts_ = 0;
    const TilePlace* tile_ = nullptr;
    int64_t between_ = 0;  // positions between lines, in y
    // Of the next part.
    int32_t* sums_ = nullptr;  // of its segment
    int64_t y_ = 0;
    int segment_ = 0, channel_ = 0, first_ = 0, line_end_ = 0, done_ = 0;
};

/// Where a tile has many chunks, its epilogue comes in parts between the next tile's: vector units work while the
/// matrix unit multiplies.
template <class T, class F>
void run_matrix_block(const BlockJob& job) {
    alignas(64) int32_t sums[2][2 * kTileRows * 2 * F::kLanes];
    TileFinish<F> finish(job);
    T t;
    int configured = 0;
    for (int64_t i = 0; i < job.tile_count; ++i) {
        const TilePlace& tile = job.tiles[i];
        if (tile.columns != configured) t.configure(tile.columns, static_cast<int>(job.chunk));
        configured = tile.columns;
        multiply_matrices(t, job, tile, sums[i % 2], Ahead(job, i), [&] { finish.finish_part(); });
        while (finish.parts() > 0) finish.finish_part();
        finish.begin(i, sums[i % 2]);
        const int64_t chunks = (tile.last_run - tile.first_run) * (job.steps / job.chunk);
        if (2 * chunks <= finish.parts()) finish.finish_all();
    }
    while (finish.parts() > 0) finish.finish_part();
    t.release();
}

template <class T, class F>
constexpr ProductKernels matrix_kernels() {
    return {Element::byte, 16, 4, kTileRows, kTileRows, 2, run_matrix_block<T, F>};
}

}  // namespace
}  // namespace adaq::cpu::integer
