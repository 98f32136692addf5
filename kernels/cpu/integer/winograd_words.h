// Winograd's F(4x4, 3x3) in integers, exactly, by vectors F and products of words I. Internal linkage, as finish.h.
//
// A tile's 4x4 sums are A^T ((G g G^T) * (B^T d B)) A (Lavin, Gray: Fast Algorithms for Convolutional Neural Networks,
// 2016, section 4.3): 36 products a channel instead of 144. For the points 0, 1, -1, 2, -2 and infinity, with G's rows
// multiplied until they are whole and the sums multiplied instead:
//
//     B^T:  4  0 -5  0  1  0      G:  6  0  0      A^T:  1 -4 -4  1  1  0   gives 24 times output 0
//           0 -4 -4  1  1  0          1  1  1            0 -2  2  1 -1  0         12 times output 1
//           0  4 -4 -1  1  0          1 -1  1            0 -1 -1  1  1  0          6 times output 2
//           0 -2 -1  2  1  0          1  2  4            0 -1  1  2 -2  1          6 times output 3
//           0  2 -1 -2  1  0          1 -2  4
//           0  4  0 -5  0  1          0  0  6
//
// Operands are words: a code is 0 ... 255, so that no element of B^T d B exceeds 10 * 10 * 255, and a weight -128 ...
// 127, so that none of G g G^T exceeds 7 * 7 * 128. Everything behind is modulo 2^32: a sum arrives multiplied by 9 *
// 2^n, where n is at most 6. 9 has an inverse modulo 2^32, and a shift takes the rest. So a sum is exact if it is less
// than 2^25 in size.
#pragma once

#include "kernels/cpu/integer/tile.h"

namespace adaq::cpu::integer {
namespace {  // NOLINT: a header of internal linkage throughout

/// B^T d, of six vectors.
template <class F>
inline void transform_pixels(const typename F::Words (&d)[kWinogradPixels], typename F::Words (&v)[kWinogradPixels]) {
    using Words = typename F::Words;
    const Words even = F::sub_words(d[4], F::template shift_words<2>(d[2])),
                odd = F::sub_words(d[3], F::template shift_words<2>(d[1])), far = F::sub_words(d[4], d[2]),
                between = F::sub_words(d[3], d[1]), twice = F::add_words(between, between);
    v[0] = F::add_words(F::template shift_words<2>(F::sub_words(d[0], d[2])), far);
    v[1] = F::add_words(even, odd);
    v[2] = F::sub_words(even, odd);
    v[3] = F::add_words(far, twice);
    v[4] = F::sub_words(far, twice);
    v[5] = F::sub_words(F::sub_words(d[5], d[3]), F::add_words(twice, twice));
}

/// A tile's B^T d B by a vector of channels, of which there are `count`.
template <class F>
inline void transform_tile(const uint8_t* const* pixels, int64_t channel, int count, int16_t* v, int64_t plane) {
    typename F::Words between[kWinogradPixels][kWinogradPixels];
    for (int column = 0; column < kWinogradPixels; ++column) {
        typename F::Words d[kWinogradPixels], sums[kWinogradPixels];
#pragma GCC unroll 6
        for (int row = 0; row < kWinogradPixels; ++row)
            d[row] = F::load_code_words(pixels[row * kWinogradPixels + column] + channel, count);
        transform_pixels<F>(d, sums);
#pragma GCC unroll 6
        for (int row = 0; row < kWinogradPixels; ++row) between[row][column] = sums[row];
    }
    for (int row = 0; row < kWinogradPixels; ++row, v += kWinogradPixels * plane) {
        typename F::Words sums[kWinogradPixels];
        transform_pixels<F>(between[row], sums);
#pragma GCC unroll 6
        for (int column = 0; column < kWinogradPixels; ++column) F::store_words(v + column * plane, sums[column]);
    }
}

template <class F>
void transform_tiles(const WinogradInputJob& job) {
    constexpr int kWords = 2 * F::kLanes;
    for (int64_t tile = 0; tile < job.tiles; ++tile) {
        const uint8_t* const* const pixels = job.pixels + tile * kWinogradPlanes;
        int16_t* const v = job.v + tile * job.pitch;
        int64_t channel = 0;
        for (; channel + kWords <= job.channels; channel += kWords)
            transform_tile<F>(pixels, channel, kWords, v + channel, job.plane);
        if (channel < job.channels)
            transform_tile<F>(pixels, channel, static_cast<int>(job.channels - channel), v + channel, job.plane);
    }
}

/// A^T m.
template <class F>
inline void transform_sums(const typename F::Ints (&m)[kWinogradPixels], typename F::Ints (&y)[kWinogradOutputs]) {
    using Ints = typename F::Ints;
    const Ints near = F::add_ints(m[1], m[2]), near_odd = F::sub_ints(m[1], m[2]), far = F::add_ints(m[3], m[4]),
               far_odd = F::sub_ints(m[3], m[4]);
    y[0] = F::sub_ints(F::add_ints(m[0], far), F::template shift_ints<2>(near));
    y[1] = F::sub_ints(far_odd, F::add_ints(near_odd, near_odd));
    y[2] = F::sub_ints(far, near);
    y[3] = F::add_ints(F::sub_ints(F::add_ints(far_odd, far_odd), near_odd), m[5]);
}

/// y / (9 * 2^twos) + start.
template <class F, int twos>
inline typename F::Ints divided(typename F::Ints y, typename F::Ints start) {
    constexpr auto kInverseOfNine = static_cast<int32_t>(0x38e38e39u);  // modulo 2^32
    return F::add_ints(F::template shift_ints_right<twos>(F::mul_ints(y, F::all_ints(kInverseOfNine))), start);
}

/// A tile's sums by a vector of channels, where the map has outputs: those of an output to the right lie `pitch`
/// further on, those of one below `row_pitch`.
template <class F>
inline void sum_tile(const int32_t* m, int64_t plane, typename F::Ints start, const WinogradTile& tile, int32_t* sums,
                     int pitch, int row_pitch) {
    using Ints = typename F::Ints;
    Ints between[kWinogradOutputs][kWinogradPixels];
    for (int row = 0; row < kWinogradPixels; ++row) {
        Ints of_row[kWinogradPixels], y[kWinogradOutputs];
#pragma GCC unroll 6
        for (int column = 0; column < kWinogradPixels; ++column)
            of_row[column] = F::load_ints(m + (row * kWinogradPixels + column) * plane);
        transform_sums<F>(of_row, y);
#pragma GCC unroll 4
        for (int column = 0; column < kWinogradOutputs; ++column) between[column][row] = y[column];
    }
    const auto finish_column = [&]<int twos>(int column) {
        if (column >= tile.columns) return;
        Ints y[kWinogradOutputs];
        transform_sums<F>(between[column], y);
        const Ints whole[] = {divided<F, twos + 3>(y[0], start), divided<F, twos + 2>(y[1], start),
                              divided<F, twos + 1>(y[2], start), divided<F, twos + 1>(y[3], start)};
#pragma GCC unroll 4
        for (int row = 0; row < kWinogradOutputs; ++row)
            if (row < tile.rows) F::store_ints(sums + row * row_pitch + column * pitch, whole[row]);
    };
    finish_column.template operator()<3>(0);
    finish_column.template operator()<2>(1);
    finish_column.template operator()<1>(2);
    finish_column.template operator()<1>(3);
}

/// So many tiles are multiplied at once, an even number, by products of equal size.
template <class I>
inline int64_t tiles_together(int64_t tiles) {
    constexpr int64_t kMost = 2 * I::kColumns;
    const int64_t products = (tiles + kMost - 1) / kMost;
    return ((tiles + products - 1) / products + 1) / 2 * 2;
}

/// All tiles by one plane's weights. The last product may read some tiles more than there are.
template <class I>
inline void multiply_plane(const WinogradBlockJob& job, int plane, int64_t together, int vectors, int32_t* sums) {
    alignas(64) static constexpr int32_t kZeros[I::kVectors * I::kLanes] = {};
    static constexpr int64_t kNoOffset = 0;
    BlockJob product{};
    product.column_bytes = job.pitch * static_cast<int64_t>(sizeof(int16_t));
    product.runs = &kNoOffset;
    product.steps = job.steps;
    product.w = job.w + plane * job.steps * vectors * I::kVectorBytes;
    product.start = kZeros;
    TilePlace place{};
    place.last_run = 1;
    place.x[1] = together / 2 * product.column_bytes;
    const auto multiply = multiply_for<I>(2, static_cast<int>(together / 2), vectors);
    for (int64_t first = 0; first < job.tile_count; first += together) {
        product.x = reinterpret_cast<const unsigned char*>(job.v + plane * job.plane + first * job.pitch);
        // Meanwhile the next plane's weights come nearer.
        const int64_t ahead = first + together >= job.tile_count ? job.steps * vectors * I::kVectorBytes : 0;
        multiply(product, place, ahead, sums + first * vectors * I::kLanes);
    }
}

/// finish_tile(tile, sums): as run_tiles has it.
template <class I, class F, class FinishTile>
void finish_winograd_tiles(const WinogradBlockJob& job, const BlockJob& epilogue, const FinishTile& finish_tile) {
    const int vectors = epilogue.vectors, pitch = vectors * I::kLanes;
    const int64_t together = tiles_together<I>(job.tile_count),
                  plane = (job.tile_count + together - 1) / together * together * pitch;
    for (int i = 0; i < kWinogradPlanes; ++i) multiply_plane<I>(job, i, together, vectors, job.sums + i * plane);
    alignas(64) int32_t sums[2 * kWinogradOutputs * kWinogradOutputs * I::kVectors * I::kLanes];
    for (int64_t i = 0; i < job.tile_count;) {
        const WinogradTile& first = job.tiles[i];
        const bool two = i + 1 < job.tile_count && job.tiles[i + 1].y == first.y + first.columns &&
                         job.tiles[i + 1].rows == first.rows;
        const int columns = first.columns + (two ? job.tiles[i + 1].columns : 0);
        for (int64_t tile = i; tile <= i + two; ++tile) {
            for (int v = 0; v < vectors; ++v) {
                const int64_t lane = v * I::kLanes;
                sum_tile<F>(job.sums + tile * pitch + lane, plane, F::load_ints(job.start + lane), job.tiles[tile],
                            sums + (tile - i) * first.columns * pitch + lane, pitch, columns * pitch);
            }
        }
        TilePlace place{};
        place.columns = place.line_columns = place.line_distance = columns;
        for (int row = 0; row < first.rows; row += place.segments) {
            place.segments = row + 1 < first.rows ? 2 : 1;
            place.y[0] = first.y + row * job.row_positions;
            place.y[1] = place.y[0] + job.row_positions;
            finish_tile(place, sums + row * columns * pitch, pitch);
        }
        i += 1 + two;
    }
}

template <class I, class F>
void run_winograd(const WinogradBlockJob& job, const BlockJob& epilogue) {
    with_epilogue<I, F>(epilogue,
                        [&](const auto& finish_tile) { finish_winograd_tiles<I, F>(job, epilogue, finish_tile); });
}

template <class I, class F>
constexpr WinogradKernels winograd_kernels() {
    return {product_kernels<I, F>(), transform_tiles<F>, run_winograd<I, F>};
}

}  // namespace
}  // namespace adaq::cpu::integer
