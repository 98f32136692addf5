// Histograms over the grid that the values are rounded to (charts.h). Heights are square roots of counts: the tails,
// where clipping happens, would otherwise vanish beside the peak.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "engine/statistics.h"
#include "report/charts.h"
#include "report/format.h"
#include "report/svg.h"

namespace adaq::report {
namespace {

constexpr double kHistogramWidth = 220.0, kHistogramHeight = 112.0;
constexpr double kLeft = 5.0, kRight = 215.0, kTop = 4.0, kBottom = 94.0;
constexpr int kMostLines = 32;  // a finer grid is drawn as its extent: its lines would touch each other

/// The values that the grid's lowest and highest codes stand for.
Interval extent_of(const Grid& grid, const ScaleZero& quantiser) {
    const double zero = quantiser.zero_point, scale = quantiser.scale;
    return {(static_cast<double>(grid.qmin()) - zero) * scale, (static_cast<double>(grid.qmax()) - zero) * scale};
}

/// The count drawn at full height. One bin may hold most values (zeros after a ReLU); its bar is cut, so that the
/// others reach two thirds of the height.
double full_height_count(const std::vector<int64_t>& counts) {
    int64_t highest = 0, second = 0;
    for (int64_t c : counts) {
        second = std::max(second, std::min(highest, c));
        highest = std::max(highest, c);
    }
    const double cut = 2.25 * static_cast<double>(second);
    return second > 0 ? std::min(static_cast<double>(highest), cut) : static_cast<double>(highest);
}

/// The outline of the bins as one path, filled down to the base line.
std::string outline(const Histogram& histogram, const Axis& axis) {
    const double highest = full_height_count(histogram.counts);
    const double bins = static_cast<double>(histogram.counts.size());
    std::string path = fmt::format("M{} {}", coordinate(axis(histogram.lo)), coordinate(kBottom));
    for (size_t i = 0; i < histogram.counts.size(); ++i) {
        const double share = highest > 0.0 ? std::min(1.0, static_cast<double>(histogram.counts[i]) / highest) : 0.0;
        const double right = histogram.lo + (histogram.hi - histogram.lo) * static_cast<double>(i + 1) / bins;
        path +=
            fmt::format("V{}H{}", coordinate(kBottom - std::sqrt(share) * (kBottom - kTop)), coordinate(axis(right)));
    }
    return path + fmt::format("V{}Z", coordinate(kBottom));
}

void draw_grid(Svg& svg, const Axis& axis, const Grid& grid, const ScaleZero& quantiser) {
    const Interval extent = extent_of(grid, quantiser);
    if ((1 << grid.bits) > kMostLines) {
        svg.line(axis(extent.lo), kTop, axis(extent.lo), kBottom, "edge");
        svg.line(axis(extent.hi), kTop, axis(extent.hi), kBottom, "edge");
        return;
    }
    for (int code = 0; code < (1 << grid.bits); ++code) {
        const double x = axis(extent.lo + code * static_cast<double>(quantiser.scale));
        svg.line(x, kTop, x, kBottom, "level");
    }
}

/// Lowest and highest number of the axis at its ends, 0 where there is room for it.
void draw_numbers(Svg& svg, const Axis& axis) {
    svg.line(kLeft, kBottom, kRight, kBottom, "base");
    if (axis.lo < 0.0) svg.text(kLeft, kBottom + 14, significant(axis.lo, 2), "tick");
    svg.text(kRight, kBottom + 14, significant(axis.hi, 2), "tick", Anchor::end);
    const double zero = axis(0.0);
    if (axis.lo == 0.0 || (zero > kLeft + 50 && zero < kRight - 50)) {
        svg.line(zero, kBottom, zero, kBottom + 4, "base");
        svg.text(zero, kBottom + 14, "0", "tick", axis.lo == 0.0 ? Anchor::start : Anchor::middle);
    }
}

std::string draw(const Histogram& histogram, const Grid& grid, const ScaleZero& quantiser, std::string_view title) {
    if (histogram.counts.empty()) return "";
    const Interval extent = extent_of(grid, quantiser);
    double lo = std::min({0.0, histogram.lo, extent.lo}), hi = std::max({0.0, histogram.hi, extent.hi});
    if (lo == hi) hi = lo + 1.0;
    Svg svg(kHistogramWidth, kHistogramHeight, title, "histogram");
    const Axis axis{lo, hi, kLeft, kRight};
    svg.rect(axis(extent.lo), kTop, axis(extent.hi) - axis(extent.lo), kBottom - kTop, "extent");
    svg.path(outline(histogram, axis), "counts");
    draw_grid(svg, axis, grid, quantiser);
    draw_numbers(svg, axis);
    return svg.str();
}

}  // namespace

std::string weight_histogram(const WeightReport& layer) {
    return draw(layer.histogram, layer.grid, layer.typical, fmt::format("Histogram of the weights of {}", layer.name));
}

std::string activation_histogram(const ActivationReport& site) {
    return draw(site.histogram, site.grid, site.quantiser, fmt::format("Histogram of the values at {}", site.name));
}

}  // namespace adaq::report
