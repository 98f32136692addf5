// See sweep_view.h.
#include "tools/sweep/sweep_view.h"

#include <fmt/format.h>

#include <algorithm>

#include "engine/statistics.h"
#include "report/format.h"

namespace adaq {

using namespace report;

std::string share_text(int64_t correct, int64_t images) {
    return fixed(100.0 * static_cast<double>(correct) / static_cast<double>(std::max<int64_t>(1, images)), 2);
}

std::string interval_text(int64_t correct, int64_t images) {
    const Interval interval = wilson_interval(correct, images);
    return fmt::format("[{}, {}]", fixed(100.0 * interval.lo, 2), fixed(100.0 * interval.hi, 2));
}

int64_t SweepView::count(CellView::State state) const {
    return std::count_if(cells.begin(), cells.end(), [&](const CellView& cell) { return cell.state == state; });
}

const CellResult* SweepView::finished() const {
    for (const CellView& cell : cells)
        if (cell.state == CellView::State::done) return &cell.result;
    return nullptr;
}

bool SweepView::has_published(size_t column) const {
    return std::any_of(table.rows.begin(), table.rows.end(),
                       [&](const TableRow& row) { return !row.published[column].top1.empty(); });
}

bool SweepView::has_published() const {
    for (size_t column = 0; column < table.columns.size(); ++column)
        if (has_published(column)) return true;
    return false;
}

std::string SweepView::published_sentence() const {
    if (!has_published()) return "";
    return imagenet ? "Published: " + table.published_from + "."
                    : "*ImageNet: the published numbers, which are from ImageNet and not from these images: " +
                          table.published_from + ".";
}

std::string SweepView::summary() const {
    const int64_t done = count(CellView::State::done), failed = count(CellView::State::failed),
                  all = static_cast<int64_t>(cells.size()) - count(CellView::State::empty);
    std::string text = fmt::format("{} of {} done", done, plural(all, "cell"));
    if (failed > 0) text += fmt::format(", {} failed", failed);
    text += ".";
    if (const CellResult* result = finished())
        text += fmt::format(" Top-1 in percent of {} images, with 95 % Wilson intervals; the float network{}: {}{}.",
                            report::count(result->images), several_networks ? "s" : "", float_share(),
                            several_networks ? "" : " " + float_interval());
    return text;
}

std::string SweepView::float_share() const {
    const CellResult* const first = finished();
    if (!several_networks) return share_text(first->float_top1, first->images);
    int64_t lowest = first->float_top1, highest = lowest;
    for (const CellView& cell : cells) {
        if (cell.state != CellView::State::done) continue;
        lowest = std::min(lowest, cell.result.float_top1);
        highest = std::max(highest, cell.result.float_top1);
    }
    return share_text(lowest, first->images) + " to " + share_text(highest, first->images);
}

std::string SweepView::float_interval() const {
    const CellResult* const first = finished();
    return several_networks ? "of several networks" : interval_text(first->float_top1, first->images);
}

std::vector<std::string> SweepView::notes() const {
    std::vector<std::string> notes;
    for (const TableRow& row : table.rows)
        for (size_t column = 0; column < table.columns.size(); ++column)
            if (const std::string& note = row.published[column].note; !note.empty())
                notes.push_back(fmt::format("{} / {}, {}: {}", row.title, table.columns[column].title,
                                            row.published[column].top1, note));
    notes.insert(notes.end(), table.notes.begin(), table.notes.end());
    return notes;
}

std::vector<std::string> SweepView::failures() const {
    std::vector<std::string> failures;
    for (size_t row = 0; row < table.rows.size(); ++row)
        for (size_t column = 0; column < table.columns.size(); ++column)
            if (at(row, column).state == CellView::State::failed)
                failures.push_back(fmt::format("{} / {}: {}", table.rows[row].title, table.columns[column].title,
                                               at(row, column).reason));
    return failures;
}

}  // namespace adaq
