// See svg.h.
#include "report/svg.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "report/format.h"

namespace adaq::report {
namespace {

std::string class_attribute(std::string_view css_class) {
    return css_class.empty() ? "" : fmt::format(" class=\"{}\"", css_class);
}

/// Closes a shape, with its tooltip inside where it has one.
std::string closing(std::string_view element, std::string_view title) {
    if (title.empty()) return "/>";
    return fmt::format("><title>{}</title></{}>", escaped(title), element);
}

}  // namespace

std::string coordinate(double value) {
    std::string text = fmt::format("{:.2f}", value);
    text.erase(text.find_last_not_of('0') + 1);
    if (text.back() == '.') text.pop_back();
    return text == "-0" ? "0" : text;
}

Svg::Svg(double width, double height, std::string_view title, std::string_view css_class) {
    markup_ = fmt::format("<svg class=\"{}\" viewBox=\"0 0 {} {}\" role=\"img\"><title>{}</title>", css_class,
                          coordinate(width), coordinate(height), escaped(title));
}

void Svg::rect(double x, double y, double width, double height, std::string_view css_class, std::string_view title) {
    markup_ += fmt::format("<rect{} x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\"{}", class_attribute(css_class),
                           coordinate(x), coordinate(y), coordinate(std::max(0.0, width)),
                           coordinate(std::max(0.0, height)), closing("rect", title));
}

void Svg::line(double x1, double y1, double x2, double y2, std::string_view css_class) {
    markup_ += fmt::format("<line{} x1=\"{}\" y1=\"{}\" x2=\"{}\" y2=\"{}\"/>", class_attribute(css_class),
                           coordinate(x1), coordinate(y1), coordinate(x2), coordinate(y2));
}

void Svg::circle(double x, double y, double radius, std::string_view css_class, std::string_view title) {
    markup_ += fmt::format("<circle{} cx=\"{}\" cy=\"{}\" r=\"{}\"{}", class_attribute(css_class), coordinate(x),
                           coordinate(y), coordinate(radius), closing("circle", title));
}

void Svg::path(const std::string& data, std::string_view css_class) {
    markup_ += fmt::format("<path{} d=\"{}\"/>", class_attribute(css_class), data);
}

void Svg::text(double x, double y, std::string_view content, std::string_view css_class, Anchor anchor) {
    constexpr std::string_view kAnchors[] = {"", " text-anchor=\"middle\"", " text-anchor=\"end\""};
    markup_ += fmt::format("<text{} x=\"{}\" y=\"{}\"{}>{}</text>", class_attribute(css_class), coordinate(x),
                           coordinate(y), kAnchors[static_cast<size_t>(anchor)], escaped(content));
}

void Svg::begin_group(std::string_view css_class, std::string_view title) {
    markup_ += fmt::format("<g{}>", class_attribute(css_class));
    if (!title.empty()) markup_ += fmt::format("<title>{}</title>", escaped(title));
}

void Svg::end_group() { markup_ += "</g>"; }

double Axis::clamped(double value) const { return (*this)(std::clamp(value, lo, hi)); }

std::vector<double> round_ticks(double lo, double hi, int wanted) {
    const double raw = (hi - lo) / std::max(1, wanted);
    if (!(raw > 0.0) || !std::isfinite(raw)) return {lo};
    const double power = std::pow(10.0, std::floor(std::log10(raw)));
    const double mantissa = raw / power;
    const double step = power * (mantissa <= 1.0 ? 1.0 : mantissa <= 2.0 ? 2.0 : mantissa <= 5.0 ? 5.0 : 10.0);
    std::vector<double> ticks;
    // Multiples, not repeated sums: a tick at 0 is exactly 0.
    for (double i = std::ceil(lo / step - 1e-9); i * step <= hi + 1e-9 * step; ++i) ticks.push_back(i * step);
    return ticks;
}

}  // namespace adaq::report
