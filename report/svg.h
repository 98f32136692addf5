// A minimal writer of inline SVG: shapes with CSS classes (colours live in the page's style sheet, so that they follow
// the reader's colour scheme), titles that show as tooltips, and linear axes with round ticks. All text is escaped
// here.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace adaq::report {

/// Where a drawing's text is anchored.
enum class Anchor { start, middle, end };

/// One <svg> element that fills its container's width; coordinates are the view box's.
class Svg {
  public:
    Svg(double width, double height, std::string_view title, std::string_view css_class = "chart");

    void rect(double x, double y, double width, double height, std::string_view css_class, std::string_view title = "");
    void line(double x1, double y1, double x2, double y2, std::string_view css_class);
    void circle(double x, double y, double radius, std::string_view css_class, std::string_view title = "");
    void path(const std::string& data, std::string_view css_class);
    void text(double x, double y, std::string_view content, std::string_view css_class = "",
              Anchor anchor = Anchor::start);

    void begin_group(std::string_view css_class, std::string_view title = "");
    void end_group();

    std::string str() const { return markup_ + "</svg>"; }

  private:
    std::string markup_;
};

/// A coordinate to two decimals at most, as short as it gets: "12", "12.5".
std::string coordinate(double value);

/// The linear map from values [lo, hi] to coordinates [from, to].
struct Axis {
    double lo = 0.0, hi = 1.0, from = 0.0, to = 1.0;

    double operator()(double value) const { return from + (value - lo) / (hi - lo) * (to - from); }
    /// The nearest coordinate of the axis itself, for values that may lie beyond it.
    double clamped(double value) const;
};

/// Multiples of 1, 2 or 5 times a power of ten inside [lo, hi]: about `wanted` of them.
std::vector<double> round_ticks(double lo, double hi, int wanted);

}  // namespace adaq::report
