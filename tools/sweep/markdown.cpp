// The table as Markdown: what adaq-sweep prints, and out/table.md.
#include <fmt/format.h>

#include <algorithm>

#include "engine/report/format.h"
#include "tools/sweep/sweep_view.h"

namespace adaq {
namespace {

using namespace report;

using Lines = std::vector<std::vector<std::string>>;  // the header first

/// Foreign text in a cell of a table: a bar would end it.
std::string plain(const std::string& text) {
    std::string safe;
    for (const char c : printable(text)) safe += c == '|' ? std::string("\\|") : std::string(1, c);
    return safe;
}

/// The first column to the left, the others to the right, all as wide as their widest cell.
std::string aligned(const Lines& lines) {
    std::vector<int> widths(lines.front().size(), 4);
    for (const auto& line : lines)
        for (size_t i = 0; i < line.size(); ++i) widths[i] = std::max(widths[i], width(line[i]));
    const auto blanks = [](int count) { return std::string(static_cast<size_t>(count), ' '); };
    std::string text;
    for (size_t l = 0; l < lines.size(); ++l) {
        std::string line = "|", rule = "|";
        for (size_t i = 0; i < widths.size(); ++i) {
            const std::string room = blanks(widths[i] - width(lines[l][i]));
            line += " " + (i == 0 ? lines[l][i] + room : room + lines[l][i]) + " |";
            rule += " " + std::string(static_cast<size_t>(widths[i] - 1), '-') + (i == 0 ? "- |" : ": |");
        }
        text += line + "\n";
        if (l == 0) text += rule + "\n";
    }
    return text;
}

std::string top1_text(const CellView& cell) {
    switch (cell.state) {
        case CellView::State::empty:
            return "";
        case CellView::State::waiting:
            return "not yet";
        case CellView::State::failed:
            return "failed";
        case CellView::State::done:
            return share_text(cell.result.top1, cell.result.images) + " " +
                   interval_text(cell.result.top1, cell.result.images);
    }
    return "";
}

Lines accuracy(const SweepView& view) {
    Lines lines{{"top-1, %"}};
    for (size_t column = 0; column < view.table.columns.size(); ++column) {
        lines[0].push_back(plain(view.table.columns[column].title));
        if (view.has_published(column)) lines[0].push_back(view.published_heading());
    }
    for (size_t row = 0; row < view.table.rows.size(); ++row) {
        lines.push_back({plain(view.table.rows[row].title)});
        for (size_t column = 0; column < view.table.columns.size(); ++column) {
            lines.back().push_back(top1_text(view.at(row, column)));
            if (view.has_published(column)) lines.back().push_back(view.table.rows[row].published[column].top1);
        }
    }
    return lines;
}

/// Seconds of each cell, with the published ones behind a stroke.
Lines seconds(const SweepView& view) {
    Lines lines{{"seconds"}};
    for (const TableColumn& column : view.table.columns) lines[0].push_back(plain(column.title));
    for (size_t row = 0; row < view.table.rows.size(); ++row) {
        lines.push_back({plain(view.table.rows[row].title)});
        for (size_t column = 0; column < view.table.columns.size(); ++column) {
            const CellView& cell = view.at(row, column);
            const auto& published = view.table.rows[row].published[column].seconds;
            std::string text = cell.state == CellView::State::done ? fixed(cell.result.seconds, 1) : "";
            if (published) text += fmt::format("{}/ {}", text.empty() ? "" : " ", fixed(*published, 0));
            lines.back().push_back(text);
        }
    }
    return lines;
}

std::string points(const std::vector<std::string>& sentences) {
    std::string text;
    for (const std::string& sentence : sentences) text += "- " + printable(sentence) + "\n";
    return text.empty() ? "" : "\n" + text;
}

}  // namespace

std::string render_markdown(const SweepView& view) {
    std::string text = "# " + printable(view.table.title) + "\n\n" + view.summary() + "\n\n" + aligned(accuracy(view));
    if (const std::string published = view.published_sentence(); !published.empty())
        text += "\n" + printable(published) + "\n";
    text += points(view.notes());
    if (const std::vector<std::string> failures = view.failures(); !failures.empty())
        text += "\nFailed:\n" + points(failures);
    if (view.finished()) text += "\n" + aligned(seconds(view));
    text += "\n";
    for (const auto& [what, sentence] : {std::pair("Model", view.model), std::pair("Calibration", view.calibration),
                                         std::pair("Validation", view.validation), std::pair("Machine", view.machine)})
        if (!sentence.empty()) text += fmt::format("- {}: {}\n", what, printable(sentence));
    if (!view.command.empty()) text += fmt::format("- Command: `{}`\n", printable(view.command));
    return text;
}

}  // namespace adaq
