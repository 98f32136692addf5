// See band.h.
#include "kernels/cpu/integer/band.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "kernels/cpu/vectorise.h"

namespace adaq::cpu::integer {
namespace {

// A band lies beside a block of weights in a second-level cache. Weights that do not fit there come from further away
// for every band: then bands are larger.
constexpr int64_t kKiB = 1024, kBandBytes = 96 * kKiB, kLargeBandBytes = 384 * kKiB, kLargeWeights = 1024 * kKiB;
constexpr int64_t kFlatTiles = 8;  // tiles of a line, where lines are of any length
constexpr int64_t kAlignment = 64;

int bytes_of(Element element) {
    switch (element) {
        case Element::byte:
            return 1;
        case Element::word:
            return 2;
        case Element::single:
            return 4;
        default:
            return 8;
    }
}

ADAQ_VECTORISE void widen(const uint8_t* from, int64_t count, int16_t* to) {
    for (int64_t i = 0; i < count; ++i) to[i] = from[i];
}

ADAQ_VECTORISE void widen_floats(const float* from, int64_t count, double* to) {
    for (int64_t i = 0; i < count; ++i) to[i] = from[i];
}

void convert(Element element, const void* from, int64_t first, int64_t count, unsigned char* to) {
    switch (element) {
        case Element::byte:
            std::memcpy(to, static_cast<const uint8_t*>(from) + first, static_cast<size_t>(count));
            break;
        case Element::word:
            widen(static_cast<const uint8_t*>(from) + first, count, reinterpret_cast<int16_t*>(to));
            break;
        case Element::single:
            std::memcpy(to, static_cast<const float*>(from) + first, static_cast<size_t>(count) * sizeof(float));
            break;
        case Element::real:
            widen_floats(static_cast<const float*>(from) + first, count, reinterpret_cast<double*>(to));
            break;
    }
}

/// Floats have the zero 0.
void fill(Element element, int zero, int64_t count, unsigned char* to) {
    if (element == Element::word) {
        std::fill_n(reinterpret_cast<int16_t*>(to), count, static_cast<int16_t>(zero));
    } else {
        std::memset(to, element == Element::byte ? zero : 0, static_cast<size_t>(count * bytes_of(element)));
    }
}

/// Columns of two rows beside each other.
void interleave(const uint8_t* first, const uint8_t* second, int64_t columns, int64_t c, unsigned char* to) {
    constexpr int64_t kPiece = 4;  // too much is written, and then written over
    int64_t column = 0;
    if (c <= kPiece) {
        for (; column < columns - kPiece; ++column, first += c, second += c, to += 2 * c) {
            std::memcpy(to, first, kPiece);
            std::memcpy(to + c, second, kPiece);
        }
    }
    for (; column < columns; ++column, first += c, second += c, to += 2 * c) {
        std::memcpy(to, first, static_cast<size_t>(c));
        std::memcpy(to + c, second, static_cast<size_t>(c));
    }
}

/// The same where the second is padding.
void interleave_padding(const uint8_t* first, int zero, int64_t columns, int64_t c, unsigned char* to) {
    for (int64_t column = 0; column < columns; ++column, first += c, to += 2 * c) {
        std::memcpy(to, first, static_cast<size_t>(c));
        std::memset(to + c, zero, static_cast<size_t>(c));
    }
}

}  // namespace

BandPlan::BandPlan(const Geometry& g, const Geometry& map, const ProductKernels& kernels, Source source, int64_t images,
                   int threads, int64_t weight_bytes, int64_t blocks)
    : g_(g),
      map_(map),
      pairs_(g.c != map.c),
      element_(kernels.element),
      images_(images),
      element_bytes_(bytes_of(kernels.element)),
      source_bytes_(source == Source::codes ? 1 : 4),
      columns_(kernels.columns),
      flat_(g.r == 1 && g.s == 1 && g.stride_h == 1 && g.stride_w == 1 && !g.padded()) {
    const Runs runs(g, kernels);
    runs_ = static_cast<int>(runs.count);
    runs_of_a_row_ = static_cast<int>(runs.count / g.r);
    direct_ = !pairs_ && !g.padded() && element_bytes_ == source_bytes_ && runs.excess() == 0;
    pitch_ = (direct_ ? g.w : (g.q() - 1) * g.stride_w + (g.s - 1) * g.dilation_w + 1) * g.c;
    column_elements_ = g.stride_w * g.c;
    width_ = flat_ ? std::min(images * g.h * g.w, 2 * kFlatTiles * columns_) : g.q();
    lines_ = flat_ ? divided_up(images * g.h * g.w, width_) : images * g.p();
    line_distance_ = g.stride_h * pitch_ / column_elements_;
    if (!flat_ && width_ <= columns_ && g.stride_h * pitch_ % column_elements_ == 0)
        segment_lines_ = 1 + (columns_ - width_) / line_distance_;
    slack_bytes_ = rounded_up(runs.excess() * element_bytes_ + 1, kAlignment);
    choose_bands(threads, weight_bytes, blocks);
    const int64_t elements = flat_ ? lines_per_band_ * width_ * g.c : most_rows(lines_per_band_) * pitch_;
    band_bytes_ = direct_ ? 0 : rounded_up(elements * element_bytes_, kAlignment) + slack_bytes_;
    most_tiles_ = lines_per_band_ * divided_up(width_, int64_t{2} * columns_);
}

/// Of the band, for so many lines: images end in between.
int64_t BandPlan::most_rows(int64_t lines) const {
    const int64_t window = (g_.r - 1) * g_.dilation_h + 1;
    const int64_t parts = std::min(lines, (lines - 1) / g_.p() + 2);
    return (lines - parts) * g_.stride_h + parts * std::max(window, g_.stride_h) + g_.stride_h;
}

void BandPlan::choose_bands(int threads, int64_t weight_bytes, int64_t blocks) {
    const int64_t line_bytes = (flat_ ? width_ * g_.c : g_.stride_h * pitch_) * element_bytes_;
    const int64_t x_bytes = lines_ * line_bytes,
                  bands = divided_up(x_bytes, weight_bytes > kLargeWeights ? kLargeBandBytes : kBandBytes);
    share_ = WorkShare::among(threads, bands, lines_, x_bytes, weight_bytes, blocks);
    lines_per_band_ = divided_up(lines_, share_.parts);
    if (width_ <= columns_ && lines_per_band_ > 1) lines_per_band_ += lines_per_band_ % 2;  // two lines a tile
    share_.parts = divided_up(lines_, lines_per_band_);
}

int64_t BandPlan::count_of(int64_t line) const {
    return flat_ ? std::min(width_, images_ * g_.h * g_.w - line * width_) : width_;
}

/// Rows above or below the map count nothing where padding is 0: small maps have many.
void BandPlan::leave_out_padding(int64_t p, Line& line) const {
    const auto inside = [&](int64_t r) {
        const int64_t row = p * g_.stride_h - g_.top + r * g_.dilation_h;
        return row >= 0 && row < g_.h;
    };
    int64_t first = 0, last = g_.r;
    while (first < last && !inside(first)) ++first;
    while (first < last && !inside(last - 1)) --last;
    line.first_run = static_cast<int>(first) * runs_of_a_row_;
    line.last_run = static_cast<int>(last) * runs_of_a_row_;
}

void BandPlan::copy_row(const void* x, int64_t image, int64_t row, int x_zero, unsigned char* to) const {
    if (row < 0 || row >= g_.h) {
        fill(element_, x_zero, pitch_, to);
        return;
    }
    if (pairs_) {
        copy_pair(static_cast<const uint8_t*>(x), image, row, x_zero, to);
        return;
    }
    const int64_t left = std::min(g_.left * g_.c, pitch_), inside = std::min(g_.w * g_.c, pitch_ - left);
    fill(element_, x_zero, left, to);
    convert(element_, x, (image * g_.h + row) * g_.w * g_.c, inside, to + left * element_bytes_);
    fill(element_, x_zero, pitch_ - left - inside, to + (left + inside) * element_bytes_);
}

/// Elements are bytes.
void BandPlan::copy_pair(const uint8_t* x, int64_t image, int64_t pair, int x_zero, unsigned char* to) const {
    const int64_t columns = pitch_ / g_.c, left = std::min(g_.left, columns), inside = std::min(g_.w, columns - left),
                  first = 2 * pair;
    const uint8_t* const row = x + (image * map_.h + first) * map_.w * map_.c;
    fill(element_, x_zero, left * g_.c, to);
    to += left * g_.c;
    if (first + 1 < map_.h) {
        interleave(row, row + map_.w * map_.c, inside, map_.c, to);
    } else {
        interleave_padding(row, x_zero, inside, map_.c, to);
    }
    fill(element_, x_zero, (columns - left - inside) * g_.c, to + inside * g_.c);
}

BandPlan::Band BandPlan::make(int64_t band, const void* x, int x_zero, unsigned char* workspace) const {
    auto* const tiles = reinterpret_cast<TilePlace*>(workspace + band_bytes_);
    auto* const windows = reinterpret_cast<int32_t*>(tiles + most_tiles_);
    const int64_t begin = band * lines_per_band_, end = std::min(lines_, begin + lines_per_band_);
    unsigned char* to = workspace;
    if (flat_ && !direct_) {
        const int64_t last = (end - 1) * width_ + count_of(end - 1);
        convert(element_, x, begin * width_ * g_.c, (last - begin * width_) * g_.c, to);
    }
    TilePlace* tile = tiles;
    Line before{};
    bool waiting = false;           // a line for its neighbour
    int64_t first_p = 0, part = 0;  // of the image that is being copied: its first line, its beginning in bytes
    int64_t short_lines = 0;        // that wait for others, behind `before`
    for (int64_t l = begin; l < end; ++l) {
        Line line{0, l * width_, count_of(l), 0, runs_};
        if (flat_) {
            line.x = (l - (direct_ ? 0 : begin)) * width_ * g_.c * element_bytes_;
        } else {
            const int64_t image = l / g_.p(), p = l % g_.p();
            if (x_zero == 0) leave_out_padding(p, line);
            if (direct_) {
                line.x = (image * g_.h + p * g_.stride_h) * pitch_ * element_bytes_;
            } else {
                if (l == begin || p == 0) {
                    first_p = p, part = to - workspace;
                    const int64_t rows =
                        (std::min(g_.p(), p + end - l) - 1 - p) * g_.stride_h + (g_.r - 1) * g_.dilation_h + 1;
                    for (int64_t row = 0; row < rows; ++row, to += pitch_ * element_bytes_)
                        copy_row(x, image, p * g_.stride_h - g_.top + row, x_zero, to);
                }
                line.x = part + (p - first_p) * g_.stride_h * pitch_ * element_bytes_;
            }
        }
        if (segment_lines_ > 1) {
            if (short_lines > 0 && (l % g_.p() == 0 || short_lines == 2 * segment_lines_)) {
                tile = add_short_lines(before, short_lines, tile);
                short_lines = 0;
            }
            if (short_lines++ == 0) before = line;
            before.first_run = std::min(before.first_run, line.first_run);
            before.last_run = std::max(before.last_run, line.last_run);
            continue;
        }
        if (waiting && line.count == before.count && line.first_run == before.first_run &&
            line.last_run == before.last_run) {
            tile = add_tiles(before, &line, tile);
            waiting = false;
            continue;
        }
        if (waiting) tile = add_tiles(before, nullptr, tile);
        waiting = line.count <= columns_;
        before = line;
        if (!waiting) tile = add_tiles(line, nullptr, tile);
    }
    if (waiting) tile = add_tiles(before, nullptr, tile);
    if (short_lines > 0) tile = add_short_lines(before, short_lines, tile);
    return {direct_ ? static_cast<const unsigned char*>(x) : workspace, tiles, windows, tile - tiles};
}

/// A line's tiles, or that of two short ones.
TilePlace* BandPlan::add_tiles(const Line& line, const Line* next, TilePlace* tiles) const {
    const auto add = [&](std::array<int64_t, 2> x, std::array<int64_t, 2> y, int64_t columns, int segments,
                         int64_t done) {
        const auto count = static_cast<int>(columns);
        *tiles++ = {{x[0], x[1]}, {y[0], y[1]},           count,          count,        count,
                    segments,     static_cast<int>(done), line.first_run, line.last_run};
    };
    if (next != nullptr) {
        add({line.x, next->x}, {line.y, next->y}, line.count, 2, 0);
        return tiles;
    }
    const int64_t count = divided_up(line.count, int64_t{2} * columns_);
    for (int64_t i = 0; i < count; ++i) {
        const int64_t first = line.count * i / count, positions = line.count * (i + 1) / count - first,
                      columns = positions <= columns_ && positions % 2 != 0 ? positions : divided_up(positions, 2),
                      second = first + positions - columns;
        const int segments = columns == positions ? 1 : 2;
        add({line.x + first * column_bytes(), line.x + second * column_bytes()}, {line.y + first, line.y + second},
            columns, segments, segments * columns - positions);
    }
    return tiles;
}

/// A tile of lines of one image, as many as two segments hold or fewer.
TilePlace* BandPlan::add_short_lines(const Line& first, int64_t lines, TilePlace* tiles) const {
    const int64_t in_segment = std::min(lines, segment_lines_), second = lines - in_segment;
    *tiles = {{first.x, first.x + second * line_distance_ * column_bytes()},
              {first.y, first.y + second * first.count},
              static_cast<int>((in_segment - 1) * line_distance_ + first.count),
              static_cast<int>(first.count),
              static_cast<int>(line_distance_),
              second > 0 ? 2 : 1,
              static_cast<int>((in_segment - second) * line_distance_),
              first.first_run,
              first.last_run};
    if (second == 0) tiles->done = 0;
    return tiles + 1;
}

}  // namespace adaq::cpu::integer
