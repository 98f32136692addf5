// See cells.h.
#include "kernels/cpu/calibration/cells.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <utility>

namespace adaq::cpu {
namespace {

constexpr int64_t kSlices = 16;       // of x, each with its own histogram
constexpr int64_t kSample = 1 << 15;  // elements from which the layout is made
constexpr double kTail = 1e-3;        // share of elements on either side that get the coarser cells
constexpr int64_t kCoarseness = 16;   // a tail has so many times fewer cells than the core

/// Where cells lie: many narrow ones between two quantiles, a few wide ones in the tails, so that an outlier far away
/// does not put everything else into one cell. Any assignment would give the right sums; this one gives them fast.
struct Layout {
    struct Part {
        float origin, cells_per_unit;
        int32_t first, count;
    };
    float core_low, core_high;
    Part low, core, high;

    int32_t cell(float x) const {
        const Part& part = x < core_low ? low : x < core_high ? core : high;
        const float position = (x - part.origin) * part.cells_per_unit;
        return part.first + std::clamp(static_cast<int32_t>(position), 0, part.count - 1);
    }
    int64_t count() const { return high.first + high.count; }
};

Layout::Part part_of(float low, float high, int64_t first, int64_t count) {
    const float density = static_cast<float>(count) / (high - low);
    return {low, std::isfinite(density) ? density : 0.0f, static_cast<int32_t>(first), static_cast<int32_t>(count)};
}

/// Nonzero elements at even distances in x, sorted.
std::vector<float> sample_of(std::span<const float> x) {
    std::vector<float> sample;
    const size_t stride = std::max<size_t>(1, x.size() / kSample) | 1;  // odd: shares no rhythm with channels
    for (size_t i = 0; i < x.size(); i += stride) {
        if (x[i] != 0.0f) sample.push_back(x[i]);
    }
    if (sample.empty()) sample.push_back(0.0f);
    std::sort(sample.begin(), sample.end());
    return sample;
}

/// As many cells as make both costs of a candidate alike: a series a cell, a loop over the elements of divided cells.
int64_t core_cells(size_t elements) {
    const auto wanted = static_cast<uint64_t>(24.0 * std::sqrt(static_cast<double>(elements)));
    return std::clamp<int64_t>(static_cast<int64_t>(std::bit_floor(wanted)), 1 << 12, 1 << 18);
}

Layout layout_of(std::span<const float> x, float min, float max) {
    const std::vector<float> sample = sample_of(x);
    const auto at = [&](double share) { return sample[share * static_cast<double>(sample.size() - 1)]; };
    const float low = at(kTail), high = std::nextafter(at(1.0 - kTail), INFINITY);
    const int64_t core = core_cells(x.size()), tail = core / kCoarseness;
    return {low, high, part_of(min, low, 0, tail), part_of(low, high, tail, core),
            part_of(high, max, tail + core, tail)};
}

std::span<const float> slice_of(std::span<const float> x, int64_t slice) {
    const auto n = static_cast<int64_t>(x.size());
    const int64_t first = n * slice / kSlices, last = n * (slice + 1) / kSlices;
    return x.subspan(first, last - first);
}

/// [kSlices][cells]: how many nonzero elements of each slice fall into each cell.
std::vector<std::vector<int64_t>> count_elements(std::span<const float> x, const Layout& layout) {
    std::vector<std::vector<int64_t>> counts(kSlices);
#pragma omp parallel for schedule(dynamic)
    for (int64_t slice = 0; slice < kSlices; ++slice) {
        std::vector<int64_t> count(layout.count(), 0);
        for (float value : slice_of(x, slice)) {
            if (value != 0.0f) ++count[layout.cell(value)];
        }
        counts[slice] = std::move(count);
    }
    return counts;
}

/// Fills `first` with the cells that are not empty, and turns counts into places in `elements`.
void place(std::vector<std::vector<int64_t>>& counts, std::vector<int64_t>& first) {
    int64_t offset = 0;
    for (size_t cell = 0; cell < counts[0].size(); ++cell) {
        const int64_t start = offset;
        for (std::vector<int64_t>& of_slice : counts) offset += std::exchange(of_slice[cell], offset);
        if (offset > start) first.push_back(start);
    }
    first.push_back(offset);
}

void scatter(std::span<const float> x, const Layout& layout, std::vector<std::vector<int64_t>>& places,
             std::vector<float>& elements) {
#pragma omp parallel for schedule(dynamic)
    for (int64_t slice = 0; slice < kSlices; ++slice) {
        std::vector<int64_t>& next = places[slice];
        for (float value : slice_of(x, slice)) {
            if (value != 0.0f) elements[next[layout.cell(value)]++] = value;
        }
    }
}

void summarise(Cells& cells, size_t cell, const std::array<double, kMoments>& binomials) {
    const auto begin = cells.elements.begin() + cells.first[cell], end = cells.elements.begin() + cells.first[cell + 1];
    const auto [min, max] = std::minmax_element(begin, end);
    const float centre = 0.5f * *min + 0.5f * *max;
    const float half_width = std::max(*max - centre, centre - *min);
    const double per_width = half_width > 0.0f ? 1.0 / static_cast<double>(half_width) : 0.0;
    std::array<double, kMoments> sums{};
    for (auto x = begin; x != end; ++x) {
        const double u = (static_cast<double>(*x) - static_cast<double>(centre)) * per_width;
        sums[1] += u;
        sums[2] += u * u;
        sums[3] += u * u * u;
        sums[4] += (u * u) * (u * u);
    }
    sums[0] = static_cast<double>(end - begin);
    cells.min[cell] = *min;
    cells.max[cell] = *max;
    cells.centre[cell] = centre;
    cells.half_width[cell] = half_width;
    for (size_t m = 0; m < kMoments; ++m) cells.moment[m][cell] = static_cast<float>(sums[m] * binomials[m]);
}

}  // namespace

double binomial(double p, int m) {
    double product = 1.0;
    for (int i = 0; i < m; ++i) product *= (p - i) / (i + 1);
    return product;
}

Cells make_cells(std::span<const float> x, MinMax extremes, Power p) {
    const Layout layout = layout_of(x, extremes.min, extremes.max);
    std::vector<std::vector<int64_t>> counts = count_elements(x, layout);
    Cells cells;
    place(counts, cells.first);
    cells.elements.resize(cells.first.back());
    scatter(x, layout, counts, cells.elements);

    const size_t count = cells.first.size() - 1;
    for (std::vector<float>* values : {&cells.min, &cells.max, &cells.centre, &cells.half_width}) values->resize(count);
    for (std::vector<float>& values : cells.moment) values.resize(count);
    std::array<double, kMoments> binomials{};
    for (int m = 0; m < kMoments; ++m) binomials[m] = binomial(p.exact, m);
#pragma omp parallel for schedule(dynamic, 64)
    for (size_t cell = 0; cell < count; ++cell) summarise(cells, cell, binomials);
    return cells;
}

}  // namespace adaq::cpu
