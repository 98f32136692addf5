// See charts.h. The row charts: accuracy, size, SQNR, activation ranges. (Histograms: histogram_chart.cpp.)
#include "report/charts.h"
#include "engine/statistics.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "report/chart_rows.h"
#include "report/format.h"
#include "report/summary.h"
#include "report/svg.h"

namespace adaq::report {
namespace {

// ---- accuracy
// --------------------------------------------------------------------------------------------------------

struct AccuracyBar {
    std::string label, css_class;
    int64_t part = 0, whole = 0;
};

constexpr double kBarHeight = 17.0;

void draw_accuracy_bar(Svg& svg, const Axis& axis, double y, const AccuracyBar& bar) {
    const double value = share(bar.part, bar.whole);
    const Interval interval = wilson_interval(bar.part, bar.whole);
    const double middle = y + kBarHeight / 2, lo = axis(100 * interval.lo), hi = axis(100 * interval.hi);
    svg.begin_group("bar", fmt::format("{}: {}, 95 % interval {} to {} ({} of {})", bar.label, percent(value),
                                       percent(interval.lo), percent(interval.hi), count(bar.part), count(bar.whole)));
    svg.rect(axis.from, y, axis(100 * value) - axis.from, kBarHeight, bar.css_class);
    svg.line(lo, middle, hi, middle, "whisker");
    svg.line(lo, middle - 4, lo, middle + 4, "whisker");
    svg.line(hi, middle - 4, hi, middle + 4, "whisker");
    svg.text(axis.from - 8, middle + 4, bar.label, "name", Anchor::end);
    svg.text(kWidth, middle + 4, percent(value), "value", Anchor::end);
    svg.end_group();
}

std::vector<AccuracyBar> accuracy_bars(const Report& report) {
    std::vector<AccuracyBar> bars;
    const auto add = [&](std::string_view rank, int64_t Evaluation::*correct) {
        if (report.float_network && report.float_network->labelled)
            bars.push_back({fmt::format("{} float32", rank), "float", (*report.float_network).*correct,
                            report.float_network->images});
        if (report.nearest_network && report.nearest_network->labelled)
            bars.push_back({fmt::format("{} nearest", rank), "nearest", (*report.nearest_network).*correct,
                            report.nearest_network->images});
        if (report.quantised_network && report.quantised_network->labelled)
            bars.push_back({fmt::format("{} {}", rank, shortened(quantised_label(report), 10)), "quantised",
                            (*report.quantised_network).*correct, report.quantised_network->images});
    };
    add("top-1", &Evaluation::top1);
    add("top-5", &Evaluation::top5);
    if (report.agreement && report.quantised_network)
        bars.push_back({"same class", "agreement", *report.agreement, report.quantised_network->images});
    return bars;
}

// ---- SQNR
// ------------------------------------------------------------------------------------------------------------

Axis sqnr_axis(const Report& report, double from, double to) {
    double lo = 0.0, hi = 10.0;
    const auto include = [&](double db) {
        if (!std::isfinite(db)) return;
        lo = std::min(lo, 5.0 * std::floor(db / 5.0));
        hi = std::max(hi, 5.0 * std::ceil(db / 5.0));
    };
    for (const WeightReport& layer : report.weights) {
        if (layer.weight_sqnr_db) include(*layer.weight_sqnr_db);
        if (layer.output_sqnr_db) include(*layer.output_sqnr_db);
    }
    return {lo, hi, from, to};
}

std::string sqnr_title(const WeightReport& layer) {
    std::string title =
        fmt::format("{} ({} bit): weights {} dB", layer.name, layer.grid.bits, fixed(*layer.weight_sqnr_db, 1));
    if (layer.output_sqnr_db) title += fmt::format(", output {} dB", fixed(*layer.output_sqnr_db, 1));
    return title;
}

void draw_sqnr_row(Svg& svg, const Axis& axis, const Rows& rows, size_t row, const WeightReport& layer) {
    const double y = rows.y(row), zero = axis.clamped(0.0), weights = axis.clamped(*layer.weight_sqnr_db);
    svg.begin_group("layer", sqnr_title(layer));
    draw_row_label(svg, rows, row, layer.name, std::to_string(layer.grid.bits));
    svg.rect(std::min(zero, weights), y - 3, std::abs(weights - zero), 6, "weights");
    // An error of nothing at all has no end: its bar reaches the edge and says so.
    if (*layer.weight_sqnr_db == std::numeric_limits<double>::infinity())
        svg.text(weights - 3, y + 4, "∞", "on-bar", Anchor::end);
    if (layer.output_sqnr_db) svg.circle(axis.clamped(*layer.output_sqnr_db), y, 4, "outputs");
    svg.end_group();
}

// ---- activation ranges
// -----------------------------------------------------------------------------------------------

/// The site's numbers in units of its largest quantised value.
struct NormalisedRange {
    double lo, hi, observed_min, observed_max;
};

NormalisedRange normalised(const ActivationReport& site) {
    const double unit = std::max(std::abs(site.range_lo()), std::abs(site.range_hi()));
    const double scale = unit > 0.0 ? 1.0 / unit : 1.0;
    const double lo = site.range_lo() * scale, hi = site.range_hi() * scale;
    if (!site.observed) return {lo, hi, lo, hi};
    return {lo, hi, site.observed_min * scale, site.observed_max * scale};
}

constexpr double kFarthest = 4.0;  // ranges are cut here and marked, so that one outlier does not squeeze the others

Axis range_axis(const Report& report, double from, double to) {
    double lo = 0.0, hi = 1.0;
    for (const ActivationReport& site : report.activations) {
        const NormalisedRange range = normalised(site);
        lo = std::min({lo, range.lo, range.observed_min});
        hi = std::max(hi, range.observed_max);
    }
    const auto outwards = [](double value) { return 0.5 * std::ceil(std::min(value, kFarthest) / 0.5); };
    return {-outwards(-lo), outwards(hi), from, to};
}

std::string range_title(const ActivationReport& site) {
    if (!site.observed)
        return fmt::format("{} ({} bit): quantised range {} to {}", site.name, site.grid.bits,
                           significant(site.range_lo()), significant(site.range_hi()));
    return fmt::format("{} ({} bit): observed {} to {}, quantised range {} to {}, {} clipped", site.name,
                       site.grid.bits, significant(site.observed_min), significant(site.observed_max),
                       significant(site.range_lo()), significant(site.range_hi()), percent(site.clipped_share));
}

/// A piece of the observed range; nothing where it is empty.
void draw_observed(Svg& svg, const Axis& axis, double y, double from, double to, std::string_view css_class) {
    if (from < to) svg.line(axis.clamped(from), y, axis.clamped(to), y, css_class);
}

/// A tick at the end of the observed range, or an arrow where the axis ends before it.
void draw_end(Svg& svg, const Axis& axis, double y, double value, bool inside) {
    const std::string css_class = inside ? "observed" : "outside";
    const double x = axis.clamped(value);
    if (value > axis.hi)
        svg.path(fmt::format("M{0} {1}l-6 -4v8z", coordinate(x + 3), coordinate(y)), "arrow");
    else if (value < axis.lo)
        svg.path(fmt::format("M{0} {1}l6 -4v8z", coordinate(x - 3), coordinate(y)), "arrow");
    else
        svg.line(x, y - 4, x, y + 4, css_class);
}

void draw_range_row(Svg& svg, const Axis& axis, const Rows& rows, size_t row, const ActivationReport& site) {
    const NormalisedRange range = normalised(site);
    const double y = rows.y(row);
    svg.begin_group("site", range_title(site));
    draw_row_label(svg, rows, row, site.name,
                   significant(std::max(std::abs(site.range_lo()), std::abs(site.range_hi()))));
    svg.rect(axis(range.lo), y - 5, axis(range.hi) - axis(range.lo), 10, "band");
    if (!site.observed) return svg.end_group();
    draw_observed(svg, axis, y, std::max(range.lo, range.observed_min), std::min(range.hi, range.observed_max),
                  "observed");
    draw_observed(svg, axis, y, range.observed_min, std::min(range.lo, range.observed_max), "outside");
    draw_observed(svg, axis, y, std::max(range.hi, range.observed_min), range.observed_max, "outside");
    draw_end(svg, axis, y, range.observed_min, range.observed_min >= range.lo);
    draw_end(svg, axis, y, range.observed_max, range.observed_max <= range.hi);
    svg.end_group();
}

}  // namespace

std::string accuracy_chart(const Report& report) {
    const std::vector<AccuracyBar> bars = accuracy_bars(report);
    if (bars.empty()) return "";
    const double bottom = 6 + 24.0 * static_cast<double>(bars.size());
    Svg svg(kWidth, bottom + kAxisHeight, "Accuracy in percent with 95 % Wilson intervals");
    const Axis axis{0, 100, 118, kWidth - 66};
    draw_axis(svg, axis, {0, 20, 40, 60, 80, 100}, 2, bottom, "share of validation images (%)");
    for (size_t i = 0; i < bars.size(); ++i) draw_accuracy_bar(svg, axis, 6 + 24.0 * static_cast<double>(i), bars[i]);
    return svg.str();
}

std::string size_chart(const Report& report) {
    const Sizes& sizes = report.sizes;
    if (sizes.float32 <= 0) return "";
    struct Part {
        std::string_view what, css_class;
        int64_t bytes;
    };
    struct Bar {
        std::string label;
        std::vector<Part> parts;
        int64_t total;
    };
    std::vector<Bar> bars{{"float32", {{"float32 parameters", "float", sizes.float32}}, sizes.float32}};
    if (is_quantised(report))
        bars.push_back({shortened(quantised_label(report), 10),
                        {{"packed integers", "quantised", sizes.codes},
                         {"scales and zero points", "agreement", sizes.scales},
                         {"parameters left in float32", "float", sizes.rest}},
                        sizes.quantised()});
    const double bottom = 6 + 28.0 * static_cast<double>(bars.size());
    Svg svg(kWidth, bottom + kAxisHeight, "Model size in megabytes, before and after");
    const double megabytes_at_most = static_cast<double>(std::max(sizes.float32, bars.back().total)) / 1e6;
    const Axis axis{0, megabytes_at_most, 84, kWidth - 76};
    const std::vector<double> ticks = round_ticks(0, megabytes_at_most, 5);
    draw_axis(svg, axis, ticks, 2, bottom, "megabytes (10⁶ bytes)", decimals_of(ticks));
    for (size_t i = 0; i < bars.size(); ++i) {
        const double y = 6 + 28.0 * static_cast<double>(i);
        double x = axis.from;
        svg.begin_group("bar");
        for (const Part& part : bars[i].parts) {
            const double length = axis(static_cast<double>(part.bytes) / 1e6) - axis.from;
            svg.rect(x, y, length, 20, part.css_class, fmt::format("{}: {}", part.what, megabytes(part.bytes)));
            x += length;
        }
        svg.text(axis.from - 8, y + 14, bars[i].label, "name", Anchor::end);
        svg.text(kWidth, y + 14, megabytes(bars[i].total), "value", Anchor::end);
        svg.end_group();
    }
    return svg.str();
}

std::string sqnr_chart(const Report& report) {
    if (!weakest_weights(report)) return "";
    const Rows rows = rows_for(report.weights);
    Svg svg(kWidth, rows.bottom() + kAxisHeight, "Signal-to-quantisation-noise ratio of every layer in decibels");
    const Axis axis = sqnr_axis(report, rows.label_width, kWidth - 40);
    draw_stripes(svg, rows);
    svg.text(kWidth - 2, 12, "bits", "tick", Anchor::end);
    draw_axis(svg, axis, round_ticks(axis.lo, axis.hi, 6), rows.top, rows.bottom(), "SQNR (dB), higher is better");
    for (size_t i = 0; i < rows.count; ++i) draw_sqnr_row(svg, axis, rows, i, report.weights[i]);
    return svg.str();
}

std::string range_chart(const Report& report) {
    if (report.activations.empty()) return "";
    const Rows rows = rows_for(report.activations);
    Svg svg(kWidth, rows.bottom() + kAxisHeight, "Observed and quantised range of every activation site");
    const Axis axis = range_axis(report, rows.label_width, kWidth - 54);
    draw_stripes(svg, rows);
    svg.text(kWidth - 2, 12, "largest", "tick", Anchor::end);
    draw_axis(svg, axis, round_ticks(axis.lo, axis.hi, 5), rows.top, rows.bottom(), "value ÷ largest quantised value",
              1);
    for (size_t i = 0; i < rows.count; ++i) draw_range_row(svg, axis, rows, i, report.activations[i]);
    return svg.str();
}

}  // namespace adaq::report
