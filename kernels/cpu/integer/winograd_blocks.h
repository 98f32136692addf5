// Tiles of Winograd's algorithm, of a form of winograd_forms.h, by products I and vectors F. Internal linkage, as
// finish.h.
#pragma once

#include "kernels/cpu/integer/winograd_forms.h"

namespace adaq::cpu::integer {
namespace {  // NOLINT: a header of internal linkage throughout

/// A tile's B^T d B by a vector of channels, of which there are `count`.
template <class Form>
inline void transform_tile(const uint8_t* const* pixels, int64_t channel, int count, unsigned char* v, int64_t plane) {
    constexpr int kPixels = Form::kPixels;
    typename Form::Elements between[kPixels][kPixels];
    for (int column = 0; column < kPixels; ++column) {
        typename Form::Elements d[kPixels], sums[kPixels];
#pragma GCC unroll 6
        for (int row = 0; row < kPixels; ++row) d[row] = Form::load(pixels[row * kPixels + column] + channel, count);
        Form::transform_pixels(d, sums);
#pragma GCC unroll 6
        for (int row = 0; row < kPixels; ++row) between[row][column] = sums[row];
    }
    for (int row = 0; row < kPixels; ++row) {
        typename Form::Elements sums[kPixels];
        Form::transform_pixels(between[row], sums);
#pragma GCC unroll 6
        for (int column = 0; column < kPixels; ++column) {
            const int i = row * kPixels + column;
            Form::store(v + i * plane, Form::shifted(sums[column], i));
        }
    }
}

template <class Form>
void transform_tiles(const WinogradInputJob& job) {
    constexpr int kElements = Form::kElements;
    for (int64_t tile = 0; tile < job.tiles; ++tile) {
        const uint8_t* const* const pixels = job.pixels + tile * Form::kPixels * Form::kPixels;
        unsigned char* const v = job.v + tile * job.pitch;
        int64_t channel = 0;
        for (; channel + kElements <= job.channels; channel += kElements)
            transform_tile<Form>(pixels, channel, kElements, v + channel * Form::kElementBytes, job.plane);
        if (channel < job.channels)
            transform_tile<Form>(pixels, channel, static_cast<int>(job.channels - channel),
                                 v + channel * Form::kElementBytes, job.plane);
    }
}

/// y / (9^nines * 2^twos) + start.
template <class F, bool nines, int twos>
inline typename F::Ints divided(typename F::Ints y, typename F::Ints start) {
    constexpr auto kInverseOfNine = static_cast<int32_t>(0x38e38e39u);  // modulo 2^32
    if constexpr (nines) y = F::mul_ints(y, F::all_ints(kInverseOfNine));
    return F::add_ints(F::template shift_ints_right<twos>(y), start);
}

/// A column of a tile's outputs inside the map.
template <class F, class Form, int column>
inline void sum_column(const typename F::Ints (&m)[Form::kPixels], typename F::Ints start, int rows, int32_t* sums,
                       int64_t row_pitch) {
    typename F::Ints y[Form::kOutputs];
    Form::transform_sums(m, y);
    const auto finish = [&]<int row>() {
        if (row < rows)
            F::store_ints(sums + row * row_pitch,
                          divided<F, Form::kNines, Form::kTwos[row] + Form::kTwos[column]>(y[row], start));
    };
    finish.template operator()<0>();
    finish.template operator()<1>();
    if constexpr (Form::kOutputs == 4) {
        finish.template operator()<2>();
        finish.template operator()<3>();
    }
}

/// A tile's sums by a vector of channels, where the map has outputs: those of an output to the right lie `pitch`
/// further on, those of one below `row_pitch`.
template <class F, class Form>
inline void sum_tile(const int32_t* m, int64_t plane, typename F::Ints start, const WinogradTile& tile, int32_t* sums,
                     int64_t pitch, int64_t row_pitch) {
    constexpr int kPixels = Form::kPixels, kOutputs = Form::kOutputs;
    using Ints = typename F::Ints;
    Ints between[kOutputs][kPixels];
#pragma GCC unroll 6
    for (int row = 0; row < kPixels; ++row) {
        Ints of_row[kPixels], y[kOutputs];
#pragma GCC unroll 6
        for (int column = 0; column < kPixels; ++column)
            of_row[column] = F::load_ints(m + (row * kPixels + column) * plane);
        Form::transform_sums(of_row, y);
#pragma GCC unroll 4
        for (int column = 0; column < kOutputs; ++column) between[column][row] = y[column];
    }
    sum_column<F, Form, 0>(between[0], start, tile.rows, sums, row_pitch);
    if (tile.columns > 1) sum_column<F, Form, 1>(between[1], start, tile.rows, sums + pitch, row_pitch);
    if constexpr (kOutputs == 4) {
        if (tile.columns > 2) sum_column<F, Form, 2>(between[2], start, tile.rows, sums + 2 * pitch, row_pitch);
        if (tile.columns > 3) sum_column<F, Form, 3>(between[3], start, tile.rows, sums + 3 * pitch, row_pitch);
    }
}

/// So many tiles are multiplied at once, an even number, by products of equal size.
template <class I>
inline int64_t tiles_together(int64_t tiles) {
    constexpr int64_t kMost = 2 * I::kColumns;
    const int64_t products = (tiles + kMost - 1) / kMost;
    return ((tiles + products - 1) / products + 1) / 2 * 2;
}

/// All tiles by one plane's weights. The last product may read some tiles more than there are, and write their sums.
template <class I>
inline void multiply_plane(const WinogradBlockJob& job, int plane, int64_t together, int vectors, int32_t* sums) {
    static constexpr int64_t kNoOffset = 0;
    BlockJob product{};
    product.column_bytes = job.pitch;
    product.runs = &kNoOffset;
    product.steps = job.steps;
    product.w = job.w + plane * job.steps * vectors * I::kVectorBytes;
    product.start = job.plane_start + int64_t{plane} * I::kVectors * I::kLanes;
    TilePlace place{};
    place.last_run = 1;
    place.x[1] = together / 2 * job.pitch;
    const auto multiply = multiply_for<I>(2, static_cast<int>(together / 2), vectors);
    for (int64_t first = 0; first < job.tile_count; first += together) {
        product.x = job.v + plane * job.plane + first * job.pitch;
        // Meanwhile the next plane's weights come nearer.
        const int64_t ahead = first + together >= job.tile_count ? job.steps * vectors * I::kVectorBytes : 0;
        multiply(product, place, ahead, sums + first * vectors * I::kLanes);
    }
}

/// Tiles from `first` on whose outputs lie beside each other, so many at most.
inline int64_t neighbours(const WinogradBlockJob& job, int64_t first, int most) {
    int64_t count = 1;
    for (; count < most && first + count < job.tile_count; ++count) {
        const WinogradTile &last = job.tiles[first + count - 1], &next = job.tiles[first + count];
        if (next.y != last.y + last.columns || next.rows != last.rows) break;
    }
    return count;
}

/// finish_tile(tile, sums, pitch): as run_tiles has it.
template <class Form, class I, class F, class FinishTile>
void finish_winograd_tiles(const WinogradBlockJob& job, const BlockJob& epilogue, const FinishTile& finish_tile) {
    constexpr int kPlanes = Form::kPixels * Form::kPixels, kMostColumns = kMostPositions / 2;
    const int vectors = epilogue.vectors, pitch = vectors * I::kLanes;
    const int64_t together = tiles_together<I>(job.tile_count),
                  plane = (job.tile_count + together - 1) / together * together * pitch;
    for (int i = 0; i < kPlanes; ++i) multiply_plane<I>(job, i, together, vectors, job.sums + i * plane);
    alignas(64) int32_t sums[Form::kOutputs * kMostColumns * I::kVectors * I::kLanes];
    for (int64_t first = 0; first < job.tile_count;) {
        const int64_t end = first + neighbours(job, first, kMostColumns / Form::kOutputs);
        const WinogradTile &left = job.tiles[first], &right = job.tiles[end - 1];
        const int columns = static_cast<int>(right.y + right.columns - left.y);
        for (int64_t tile = first; tile < end; ++tile) {
            for (int v = 0; v < vectors; ++v) {
                const int64_t lane = v * I::kLanes;
                sum_tile<F, Form>(job.sums + tile * pitch + lane, plane, F::load_ints(job.start + lane),
                                  job.tiles[tile], sums + (job.tiles[tile].y - left.y) * pitch + lane, pitch,
                                  columns * pitch);
            }
        }
        TilePlace place{};
        place.columns = place.line_columns = place.line_distance = columns;
        for (int row = 0; row < left.rows; row += place.segments) {
            place.segments = row + 1 < left.rows ? 2 : 1;
            place.y[0] = left.y + row * job.row_positions;
            place.y[1] = place.y[0] + job.row_positions;
            finish_tile(place, sums + row * columns * pitch, pitch);
        }
        first = end;
    }
}

template <class Form, class I, class F>
void run_winograd(const WinogradBlockJob& job, const BlockJob& epilogue) {
    with_epilogue<I, F>(
        epilogue, [&](const auto& finish_tile) { finish_winograd_tiles<Form, I, F>(job, epilogue, finish_tile); });
}

template <class Form, class I, class F>
constexpr WinogradKernels winograd_kernels() {
    int twos = 0;
    for (int i = 0; i < Form::kOutputs; ++i) twos = Form::kTwos[i] > twos ? Form::kTwos[i] : twos;
    return {product_kernels<I, F>(), Form::kOutputs, Form::kPixels,         Form::kG,
            Form::kMostCode,         Form::kOffset,  Form::kPlainPlane,     31 - 2 * twos,
            Form::kInputCost,        Form::kSumCost, transform_tiles<Form>, run_winograd<Form, I, F>};
}

template <class I, class F>
constexpr WinogradKernels winograd_of_words() {
    return winograd_kernels<WinogradWords<F>, I, F>();
}

template <class I, class F>
constexpr WinogradKernels winograd_of_bytes() {
    return winograd_kernels<WinogradBytes<F>, I, F>();
}

}  // namespace
}  // namespace adaq::cpu::integer
