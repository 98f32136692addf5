// What the charts with a row for every layer or site have in common: their size, labels, stripes and axis.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "report/format.h"
#include "report/svg.h"

namespace adaq::report {

inline constexpr double kWidth = 480.0;
inline constexpr double kAxisHeight = 34.0;
inline constexpr int kLabelColumns = 22;  // longer names are cut; the tooltip has them whole

/// Rows of named things: labels to the left, one column of figures to the right.
struct Rows {
    double label_width, top = 18.0, height;
    size_t count;

    double y(size_t row) const { return top + height * (static_cast<double>(row) + 0.5); }
    double bottom() const { return top + height * static_cast<double>(count); }
};

/// Items with a name.
template <typename Item>
Rows rows_for(const std::vector<Item>& items) {
    constexpr double kGlyph = 7.25;  // width of a character of the labels: monospace of 12 px at most
    int columns = 4;
    for (const Item& item : items) columns = std::max(columns, std::min(kLabelColumns, width(item.name)));
    return {columns * kGlyph + 12.0, 18.0, items.size() > 30 ? 15.0 : 18.0, items.size()};
}

/// Every other row shaded, to lead the eye; drawn first, below the grid lines.
void draw_stripes(Svg& svg, const Rows& rows);
void draw_row_label(Svg& svg, const Rows& rows, size_t row, std::string_view name, const std::string& figure);

/// Vertical grid lines with their numbers below, and what the axis measures.
void draw_axis(Svg& svg, const Axis& axis, const std::vector<double>& ticks, double top, double bottom,
               std::string_view caption, int decimals = 0);

/// Decimals that tell ticks apart.
int decimals_of(const std::vector<double>& ticks);

}  // namespace adaq::report
