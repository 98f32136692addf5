// See chart_rows.h.
#include "report/chart_rows.h"

#include <cmath>

namespace adaq::report {

void draw_stripes(Svg& svg, const Rows& rows) {
    for (size_t row = 1; row < rows.count; row += 2)
        svg.rect(0, rows.y(row) - rows.height / 2, kWidth, rows.height, "stripe");
}

void draw_row_label(Svg& svg, const Rows& rows, size_t row, std::string_view name, const std::string& figure) {
    svg.text(rows.label_width - 8, rows.y(row) + 4, shortened(name, kLabelColumns), "layer-name", Anchor::end);
    svg.text(kWidth - 2, rows.y(row) + 4, figure, "figure", Anchor::end);
}

void draw_axis(Svg& svg, const Axis& axis, const std::vector<double>& ticks, double top, double bottom,
               std::string_view caption, int decimals) {
    for (double tick : ticks) {
        svg.line(axis(tick), top, axis(tick), bottom, tick == 0.0 ? "zero" : "grid");
        svg.text(axis(tick), bottom + 13, fixed(tick, decimals), "tick", Anchor::middle);
    }
    svg.text((axis.from + axis.to) / 2, bottom + 29, caption, "caption", Anchor::middle);
}

int decimals_of(const std::vector<double>& ticks) {
    const double step = ticks.size() > 1 ? ticks[1] - ticks[0] : 1.0;
    return step >= 1.0 - 1e-9 ? 0 : static_cast<int>(std::ceil(-std::log10(step) - 1e-9));
}

}  // namespace adaq::report
