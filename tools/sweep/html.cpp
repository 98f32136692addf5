// The table as a page: out/table.html.
#include <fmt/format.h>

#include <algorithm>

#include "engine/statistics.h"
#include "report/format.h"
#include "report/html_parts.h"
#include "report/html_tables.h"
#include "tools/sweep/sweep_view.h"

namespace adaq {
namespace {

using namespace report;

/// From 0 to 100 %: a bar as long as top-1, its interval at the end, and where the float network is.
std::string strip(const CellResult& r) {
    const Interval interval = wilson_interval(r.top1, r.images);
    const auto x = [](double share) { return fixed(1.0 + 98.0 * share, 2); };
    const auto of = [&](int64_t correct) { return static_cast<double>(correct) / static_cast<double>(r.images); };
    return fmt::format(
        "<svg class=\"strip\" viewBox=\"0 0 100 10\" aria-hidden=\"true\">"
        "<line class=\"grid\" x1=\"1\" y1=\"5\" x2=\"99\" y2=\"5\"/>"
        "<rect class=\"extent\" x=\"1\" y=\"2.5\" width=\"{}\" height=\"5\"/>"
        "<rect class=\"quantised\" x=\"{}\" y=\"2.5\" width=\"{}\" height=\"5\" rx=\"1\"/>"
        "<line class=\"zero\" x1=\"{}\" y1=\"0\" x2=\"{}\" y2=\"10\"/></svg>",
        fixed(98.0 * of(r.top1), 2), x(interval.lo), fixed(std::max(0.8, 98.0 * (interval.hi - interval.lo)), 2),
        x(of(r.float_top1)), x(of(r.float_top1)));
}

std::string difference_text(const CellResult& r) {
    const double points = 100.0 * static_cast<double>(r.top1 - r.float_top1) / static_cast<double>(r.images);
    return (points >= 0.0 ? "+" : "") + fixed(points, 2);
}

std::string cell_markup(const CellView& cell) {
    switch (cell.state) {
        case CellView::State::empty:
            return "<td></td>";
        case CellView::State::waiting:
            return "<td class=\"muted\">not yet</td>";
        case CellView::State::failed:
            return fmt::format("<td class=\"failed\" title=\"{}\">failed</td>", escaped(cell.reason));
        case CellView::State::done:
            break;
    }
    const CellResult& r = cell.result;
    return fmt::format(
        "<td title=\"{}; {} points against float; {}\"><b>{}</b><br><span class=\"muted\">{}</span>{}</td>",
        escaped(cell.options), escaped(difference_text(r)), escaped(duration(r.seconds)), share_text(r.top1, r.images),
        interval_text(r.top1, r.images), strip(r));
}

std::string published_markup(const PublishedNumber& published) {
    std::string text = escaped(published.top1);
    if (published.seconds) text += "<br>" + escaped(duration(*published.seconds));
    return fmt::format("<td class=\"muted\"{}>{}</td>",
                       published.note.empty() ? "" : fmt::format(" title=\"{}\"", escaped(published.note)), text);
}

std::string results(const SweepView& view) {
    std::string markup = "<div class=\"scroll\" tabindex=\"0\"><table class=\"sweep\">\n<thead><tr><th></th>";
    std::vector<bool> published;
    for (size_t column = 0; column < view.table.columns.size(); ++column) {
        published.push_back(view.has_published(column));
        markup += "<th>" + escaped(view.table.columns[column].title) + "</th>";
        if (published.back()) markup += "<th>" + escaped(view.published_heading()) + "</th>";
    }
    markup += "</tr></thead>\n<tbody>";
    for (size_t row = 0; row < view.table.rows.size(); ++row) {
        markup += "<tr><th>" + escaped(view.table.rows[row].title) + "</th>";
        for (size_t column = 0; column < view.table.columns.size(); ++column) {
            markup += cell_markup(view.at(row, column));
            if (published[column]) markup += published_markup(view.table.rows[row].published[column]);
        }
        markup += "</tr>\n";
    }
    return markup + "</tbody></table></div>\n";
}

std::string key(const SweepView& view) {
    std::string text =
        "<p class=\"muted\">Top-1 in percent with its 95 % Wilson interval; the bar is top-1 between 0 and 100 %, with "
        "the interval at its end, and the upright line the float network.</p>\n";
    if (const std::string published = view.published_sentence(); !published.empty())
        text += "<p class=\"muted\">" + escaped(published) + "</p>\n";
    return text;
}

std::string tiles(const SweepView& view) {
    const int64_t all = static_cast<int64_t>(view.cells.size()) - view.count(CellView::State::empty),
                  failed = view.count(CellView::State::failed);
    double seconds = 0.0;
    for (const CellView& cell : view.cells) seconds += cell.result.seconds;
    std::string row = tile("Cells done", fmt::format("{} of {}", view.count(CellView::State::done), all),
                           failed > 0 ? fmt::format("{} failed", failed) : "none failed");
    if (const CellResult* result = view.finished()) {
        row += tile("Float network, top-1", view.float_share() + " %", view.float_interval());
        row += tile("Validation images", count(result->images), view.imagenet ? "ImageNet" : "not ImageNet");
        row += tile("Time taken", duration(seconds), "all cells together");
    }
    return tile_row(row);
}

std::string all_numbers(const SweepView& view) {
    Cells rows{{"cell", "bits", "top-1 (%)", "interval", "against float", "top-5 (%)", "correct", "images", "time",
                "published", "there"}};
    Cells options{{"cell", "options of adaq-run"}};
    for (size_t row = 0; row < view.table.rows.size(); ++row)
        for (size_t column = 0; column < view.table.columns.size(); ++column) {
            const CellView& cell = view.at(row, column);
            if (cell.state == CellView::State::empty) continue;
            const std::string title = view.table.rows[row].title + " / " + view.table.columns[column].title;
            options.push_back({title, cell.options});
            if (cell.state != CellView::State::done) continue;
            const CellResult& r = cell.result;
            const PublishedNumber& published = view.table.rows[row].published[column];
            rows.push_back({title, r.label, share_text(r.top1, r.images), interval_text(r.top1, r.images),
                            difference_text(r), share_text(r.top5, r.images), count(r.top1), count(r.images),
                            duration(r.seconds), published.top1,
                            published.seconds ? duration(*published.seconds) : ""});
        }
    return (rows.size() > 1 ? folded("Every cell", table_of(rows)) : "") +
           folded("Options of every cell", table_of(options, "words")) +
           folded("Model, data and machine", words_table({{"model", view.model},
                                                          {"calibration images", view.calibration},
                                                          {"validation images", view.validation},
                                                          {"machine", view.machine},
                                                          {"command", view.command}}));
}

}  // namespace

std::string render_sweep_html(const SweepView& view) {
    const std::string title = escaped(view.table.title);
    std::string body = fmt::format(
        "<header><p class=\"eyebrow\">adaq sweep</p>\n<h1>{}</h1>\n<p class=\"muted\">{}</p>\n"
        "<p class=\"verdict\">{}</p></header>\n",
        title, escaped(view.model), escaped(view.summary()));
    body += tiles(view);
    body += section("Failed", list(view.failures()));
    body += section("Result", block("card", results(view)) + key(view));
    body += section("Notes", list(view.notes()));
    body += section("All numbers", all_numbers(view));
    return page(title + " – adaq sweep", body, view.adaq_version);
}

}  // namespace adaq
