// What was learned (charts.h): roundings that left the nearest integer, scales that moved, and each unit's curves.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "report/chart_rows.h"
#include "report/charts.h"
#include "report/format.h"
#include "report/summary.h"
#include "report/svg.h"

namespace adaq::report {
namespace {

// ---- roundings

struct RoundingRow {
    std::string name;
    const RoundingRecord* rounding;
};

std::vector<RoundingRow> rounding_rows(const Report& report) {
    std::vector<RoundingRow> rows;
    for (const UnitRecord& unit : report.learning)
        for (const RoundingRecord& rounding : unit.roundings)
            rows.push_back({with_phase(rounding.layer, unit.phase), &rounding});
    return rows;
}

void draw_rounding(Svg& svg, const Axis& axis, const Rows& rows, size_t row, const RoundingRow& item) {
    const RoundingRecord& rounding = *item.rounding;
    const double y = rows.y(row), middle = axis(100 * rounding.up), end = axis(100 * rounding.flipped());
    svg.begin_group("rounding", fmt::format("{}: of {} weights {} went up, {} down", item.name, count(rounding.weights),
                                            percent(rounding.up), percent(rounding.down)));
    draw_row_label(svg, rows, row, item.name, fixed(100 * rounding.flipped(), 1));
    svg.rect(axis.from, y - 4, middle - axis.from, 8, "quantised");
    svg.rect(middle, y - 4, end - middle, 8, "down");
    svg.end_group();
}

// ---- scales

constexpr double kLargestChange = 200.0;  // percent; a scale that moved further is cut here and marked

/// How far something moved, in percent; what is no number is drawn nowhere.
struct Change {
    double lowest, middle, highest;

    bool finite() const { return std::isfinite(lowest) && std::isfinite(middle) && std::isfinite(highest); }
};

struct ChangeRow {
    std::string name, value, title;
    Change change;
};

double percent_change(double from, double to) { return from > 0.0 ? 100 * (to / from - 1) : 0.0; }

std::vector<ChangeRow> scale_rows(const Report& report) {
    std::vector<ChangeRow> rows;
    for (const UnitRecord& unit : report.learning)
        for (const ScaleRecord& scale : unit.scales) {
            const std::string name = with_phase(scale.site, unit.phase);
            const double change = percent_change(scale.initial, scale.learned);
            rows.push_back(
                {name,
                 significant(scale.learned),
                 fmt::format("{}: {} became {}", name, significant(scale.initial, 4), significant(scale.learned, 4)),
                 {std::min(0.0, change), change, std::max(0.0, change)}});
        }
    return rows;
}

std::vector<ChangeRow> channel_rows(const Report& report) {
    std::vector<ChangeRow> rows;
    for (const UnitRecord& unit : report.learning)
        for (const ChannelRecord& layer : unit.channels) {
            const std::string name = with_phase(layer.layer, unit.phase);
            rows.push_back({name,
                            significant(layer.median),
                            fmt::format("{}: times {} to {}, half of them below {}", name, significant(layer.lowest, 4),
                                        significant(layer.highest, 4), significant(layer.median, 4)),
                            {percent_change(1.0, layer.lowest), percent_change(1.0, layer.median),
                             percent_change(1.0, layer.highest)}});
        }
    return rows;
}

Axis change_axis(const std::vector<ChangeRow>& items, double from, double to) {
    double lo = -5.0, hi = 5.0;
    for (const ChangeRow& item : items) {
        if (!item.change.finite()) continue;
        lo = std::min(lo, 5.0 * std::floor(item.change.lowest / 5.0));
        hi = std::max(hi, std::min(kLargestChange, 5.0 * std::ceil(item.change.highest / 5.0)));
    }
    return {lo, hi, from, to};
}

void draw_change(Svg& svg, const Axis& axis, const Rows& rows, size_t row, const ChangeRow& item) {
    svg.begin_group("scale", item.title);
    draw_row_label(svg, rows, row, item.name, item.value);
    if (item.change.finite()) {
        const double y = rows.y(row), x = axis.clamped(item.change.middle);
        svg.line(axis.clamped(item.change.lowest), y, axis.clamped(item.change.highest), y, "observed");
        if (item.change.middle > axis.hi)
            svg.path(fmt::format("M{} {}l-6 -4v8z", coordinate(x + 3), coordinate(y)), "arrow");
        else
            svg.circle(x, y, 4, "scale");
    }
    svg.end_group();
}

std::string change_chart(const std::vector<ChangeRow>& items, const char* title, const char* value,
                         const char* axis_title) {
    if (items.empty()) return "";
    const Rows rows = rows_for(items);
    Svg svg(kWidth, rows.bottom() + kAxisHeight, title);
    const Axis axis = change_axis(items, rows.label_width, kWidth - 64);
    draw_stripes(svg, rows);
    svg.text(kWidth - 2, 12, value, "tick", Anchor::end);
    draw_axis(svg, axis, round_ticks(axis.lo, axis.hi, 5), rows.top, rows.bottom(), axis_title);
    for (size_t i = 0; i < rows.count; ++i) draw_change(svg, axis, rows, i, items[i]);
    return svg.str();
}

// ---- curves

constexpr double kCurveWidth = 220.0, kCurveHeight = 158.0, kCurveLeft = 44.0, kCurveRight = 215.0;

/// One panel of a unit's figure: the space between two heights, with a number at either end.
struct Panel {
    double top, bottom;

    void draw(Svg& svg, const std::string& highest, const std::string& lowest) const {
        svg.line(kCurveLeft, top, kCurveRight, top, "grid");
        svg.line(kCurveLeft, bottom, kCurveRight, bottom, "base");
        svg.text(kCurveLeft - 5, top + 7, highest, "tick", Anchor::end);
        svg.text(kCurveLeft - 5, bottom, lowest, "tick", Anchor::end);
    }
};

/// The nearest of 1, 2, 5 times a power of ten that is not below a positive value (or not above it).
double rounded_up(double value) {
    const double power = std::pow(10.0, std::floor(std::log10(value)));
    for (double step : {1.0, 2.0, 5.0})
        if (value <= step * power * (1 + 1e-9)) return step * power;
    return 10.0 * power;
}
double rounded_down(double value) { return 1.0 / rounded_up(1.0 / value); }

/// The points of a curve, one coordinate pair each; `height` gives a point's.
template <typename Height>
std::string trace(const UnitRecord& unit, const Axis& x, Height height) {
    std::string path;
    for (const LearningPoint& point : unit.curve)
        path += fmt::format("{}{} {}", path.empty() ? "M" : "L", coordinate(x(static_cast<double>(point.iteration))),
                            coordinate(height(point)));
    return path;
}

/// The reconstruction error and, where it is part of the loss, the difference in prediction. Logarithmic, over at most
/// four decades: what lies below is drawn at the lower edge.
void draw_losses(Svg& svg, const UnitRecord& unit, const Axis& x, const Panel& panel) {
    const auto predicts = [](const LearningPoint& point) { return point.prediction > 0.0; };
    const bool prediction = std::any_of(unit.curve.begin(), unit.curve.end(), predicts);
    double highest = 0.0;
    for (const LearningPoint& point : unit.curve) highest = std::max({highest, point.reconstruction, point.prediction});
    if (!(highest > 1e-30) || !std::isfinite(highest)) return panel.draw(svg, "", "0");
    double lowest = highest;
    for (const LearningPoint& point : unit.curve) {
        lowest = std::min(lowest, std::max(1e-4 * highest, point.reconstruction));
        if (prediction) lowest = std::min(lowest, std::max(1e-4 * highest, point.prediction));
    }
    lowest = rounded_down(lowest);
    highest = std::max(2.0 * lowest, rounded_up(highest));
    panel.draw(svg, fmt::format("{:g}", highest), fmt::format("{:g}", lowest));
    const Axis y{std::log10(lowest), std::log10(highest), panel.bottom, panel.top};
    for (int decade = static_cast<int>(std::floor(y.lo)) + 1; decade < y.hi - 1e-9; ++decade)
        svg.line(kCurveLeft, y(decade), kCurveRight, y(decade), "grid");
    const auto draw = [&](double LearningPoint::*loss, const char* style) {
        svg.path(
            trace(unit, x, [&](const LearningPoint& p) { return y.clamped(std::log10(std::max(lowest, p.*loss))); }),
            style);
    };
    if (prediction) draw(&LearningPoint::prediction, "curve prediction");
    draw(&LearningPoint::reconstruction, "curve reconstruction");
}

/// The share of roundings that are still between 0 and 1, and the penalty relative to its highest.
void draw_rounding_curves(Svg& svg, const UnitRecord& unit, const Axis& x, const Panel& panel) {
    panel.draw(svg, "100 %", "0");
    const Axis y{0.0, 1.0, panel.bottom, panel.top};
    const double first = x(static_cast<double>(unit.curve.front().iteration)),
                 last = x(static_cast<double>(unit.curve.back().iteration));
    svg.path(trace(unit, x, [&](const LearningPoint& p) { return y.clamped(p.unsettled.share); }) +
                 fmt::format("L{0} {1}L{2} {1}Z", coordinate(last), coordinate(panel.bottom), coordinate(first)),
             "unsettled");
    double highest = 0.0;
    for (const LearningPoint& point : unit.curve) highest = std::max(highest, point.penalty);
    if (!(highest > 0.0) || !std::isfinite(highest)) return;
    svg.path(trace(unit, x, [&](const LearningPoint& p) { return y.clamped(std::max(0.0, p.penalty / highest)); }),
             "curve penalty");
}

}  // namespace

std::string rounding_chart(const Report& report) {
    const std::vector<RoundingRow> items = rounding_rows(report);
    if (items.empty()) return "";
    double highest = 1.0;
    for (const RoundingRow& item : items) highest = std::max(highest, 100 * item.rounding->flipped());
    const Rows rows = rows_for(items);
    Svg svg(kWidth, rows.bottom() + kAxisHeight, "Share of every layer's weights that left the nearest integer");
    const Axis axis{0.0, highest, rows.label_width, kWidth - 46};
    const std::vector<double> ticks = round_ticks(0.0, highest, 5);
    draw_stripes(svg, rows);
    svg.text(kWidth - 2, 12, "%", "tick", Anchor::end);
    draw_axis(svg, axis, ticks, rows.top, rows.bottom(), "share of the layer’s weights (%)", decimals_of(ticks));
    for (size_t i = 0; i < rows.count; ++i) draw_rounding(svg, axis, rows, i, items[i]);
    return svg.str();
}

std::string scale_chart(const Report& report) {
    return change_chart(scale_rows(report), "Change of every learned activation scale in percent", "learned",
                        "learned scale against initial scale (%)");
}

std::string channel_chart(const Report& report) {
    return change_chart(channel_rows(report), "Change of every layer's learned weight scales in percent", "median",
                        "learned scale against initial scale (%)");
}

std::string learning_curves(const UnitRecord& unit) {
    if (unit.curve.empty()) return "";
    Svg svg(kCurveWidth, kCurveHeight, fmt::format("Learning of {}", with_phase(unit.name, unit.phase)), "curves");
    const Axis x{0.0, static_cast<double>(std::max<int64_t>(1, unit.curve.back().iteration)), kCurveLeft, kCurveRight};
    draw_losses(svg, unit, x, {5, 74});
    if (!unit.roundings.empty()) draw_rounding_curves(svg, unit, x, {86, 140});
    svg.text(kCurveLeft, kCurveHeight - 4, "0", "tick");
    svg.text(kCurveRight, kCurveHeight - 4, count(unit.curve.back().iteration), "tick", Anchor::end);
    return svg.str();
}

}  // namespace adaq::report
