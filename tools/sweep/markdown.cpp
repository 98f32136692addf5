// The table as Markdown: what adaq-sweep prints, and out/table.md.
#include <fmt/format.h>

#include <algorithm>

#include "engine/printable.h"
#include "report/format.h"
#include "tools/sweep/sweep_view.h"

namespace adaq {
namespace {

using namespace report;

using Lines = std::vector<std::vector<std::string>>;  // the header first

bool is_alphanumeric(char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c & 0x80) != 0;
}

bool is_punctuation(char c) { return c > ' ' && c < 0x7F && !is_alphanumeric(c); }

/// "&lt;", "&#60;": what Markdown would put a character in place of. `at`: of the ampersand.
bool is_entity(std::string_view text, size_t at) {
    const size_t end = text.find_first_of("; &", at + 1);
    return end != std::string_view::npos && text[end] == ';' && end > at + 1;
}

/// Foreign text as Markdown that shows it as it is: no HTML, no emphasis, links or code. What has no meaning where it
/// stands is left alone, so that the text can be read as it is, too.
std::string plain(std::string_view foreign) {
    const std::string text = one_line(foreign);
    std::string safe;
    for (size_t at = 0; at < text.size(); ++at) {
        const char c = text[at], before = at > 0 ? text[at - 1] : ' ', next = at + 1 < text.size() ? text[at + 1] : ' ';
        const bool special = c == '`' || c == '*' || c == '[' || c == '~' ||
                             (c == '_' && !(is_alphanumeric(before) && is_alphanumeric(next))) ||
                             (c == '\\' && is_punctuation(next));
        if (c == '<')
            safe += "&lt;";
        else if (c == '>')
            safe += "&gt;";
        else if (c == '&' && is_entity(text, at))
            safe += "&amp;";
        else
            safe += special ? std::string{'\\', c} : std::string(1, c);
    }
    return safe;
}

/// In a cell of a table, which a bar would end.
std::string cell_text(std::string_view foreign) {
    std::string safe;
    for (const char c : plain(foreign)) safe += c == '|' ? std::string("\\|") : std::string(1, c);
    return safe;
}

/// At a line's beginning, where some characters begin a list, a heading or code.
std::string line_text(std::string_view foreign) {
    foreign.remove_prefix(std::min(foreign.find_first_not_of(" \t"), foreign.size()));
    std::string safe = plain(foreign);
    const size_t digits = std::min(safe.find_first_not_of("0123456789"), safe.size());
    if (digits < safe.size() && (digits == 0 ? std::string_view("-+=#") : ".)").find(safe[digits]) != std::string::npos)
        safe.insert(digits, 1, '\\');
    if (safe.ends_with('#') && safe != "\\#")
        safe.insert(safe.size() - 1, 1, '\\');  // it would be taken off a heading's end
    return safe;
}

/// Between more backticks than it has in a row.
std::string code(std::string_view foreign) {
    const std::string text = one_line(foreign);
    size_t longest = 0, run = 0;
    for (const char c : text) longest = std::max(longest, run = c == '`' ? run + 1 : 0);
    const std::string fence(longest + 1, '`'), room = longest > 0 ? " " : "";
    return fence + room + text + room + fence;
}

/// The first column to the left, the others to the right, all as wide as their widest cell.
std::string aligned(const Lines& lines) {
    std::vector<int> widths(lines.front().size(), 4);
    for (const auto& line : lines)
        for (size_t i = 0; i < line.size(); ++i) widths[i] = std::max(widths[i], width(line[i]));
    const auto blanks = [](int count) { return std::string(count, ' '); };
    std::string text;
    for (size_t l = 0; l < lines.size(); ++l) {
        std::string line = "|", rule = "|";
        for (size_t i = 0; i < widths.size(); ++i) {
            const std::string room = blanks(widths[i] - width(lines[l][i]));
            line += " " + (i == 0 ? lines[l][i] + room : room + lines[l][i]) + " |";
            rule += " " + std::string(widths[i] - 1, '-') + (i == 0 ? "- |" : ": |");
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
    std::vector<bool> published;
    for (size_t column = 0; column < view.table.columns.size(); ++column) {
        published.push_back(view.has_published(column));
        lines[0].push_back(cell_text(view.table.columns[column].title));
        if (published.back()) lines[0].push_back(view.published_heading());
    }
    for (size_t row = 0; row < view.table.rows.size(); ++row) {
        lines.push_back({cell_text(view.table.rows[row].title)});
        for (size_t column = 0; column < view.table.columns.size(); ++column) {
            lines.back().push_back(top1_text(view.at(row, column)));
            if (published[column]) lines.back().push_back(view.table.rows[row].published[column].top1);
        }
    }
    return lines;
}

/// Seconds of each cell, with the published ones behind a stroke.
Lines seconds(const SweepView& view) {
    Lines lines{{"seconds"}};
    for (const TableColumn& column : view.table.columns) lines[0].push_back(cell_text(column.title));
    for (size_t row = 0; row < view.table.rows.size(); ++row) {
        lines.push_back({cell_text(view.table.rows[row].title)});
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
    for (const std::string& sentence : sentences) text += "- " + line_text(sentence) + "\n";
    return text.empty() ? "" : "\n" + text;
}

}  // namespace

std::string render_markdown(const SweepView& view) {
    std::string text = "# " + line_text(view.table.title) + "\n\n" + view.summary() + "\n\n" + aligned(accuracy(view));
    if (const std::string published = view.published_sentence(); !published.empty())
        // An asterisk of ours, which no other closes.
        text += published.starts_with('*') ? "\n*" + plain(published.substr(1)) + "\n" : "\n" + plain(published) + "\n";
    text += points(view.notes());
    if (const std::vector<std::string> failures = view.failures(); !failures.empty())
        text += "\nFailed:\n" + points(failures);
    if (view.finished()) text += "\n" + aligned(seconds(view));
    text += "\n";
    for (const auto& [what, sentence] : {std::pair("Model", view.model), std::pair("Calibration", view.calibration),
                                         std::pair("Validation", view.validation), std::pair("Machine", view.machine)})
        if (!sentence.empty()) text += fmt::format("- {}: {}\n", what, plain(sentence));
    if (!view.command.empty()) text += fmt::format("- Command: {}\n", code(view.command));
    return text;
}

}  // namespace adaq
