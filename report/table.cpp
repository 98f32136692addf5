// The result as a few aligned lines for stdout: float32, quantised and their difference side by side.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "adaq/report.h"
#include "engine/printable.h"
#include "engine/statistics.h"
#include "report/format.h"
#include "report/summary.h"

namespace adaq {
namespace {

using namespace report;
using Row = std::array<std::string, 4>;  // what, float32, quantised, difference

std::string with_interval(int64_t part, int64_t whole) {
    const Interval interval = wilson_interval(part, whole);
    return fmt::format("{}  [{}, {}]", percent(share(part, whole)), fixed(100.0 * interval.lo, 2),
                       fixed(100.0 * interval.hi, 2));
}

std::string points(double drop) { return fixed(drop, 2) + (drop == 1.0 ? " point" : " points"); }

/// One row per accuracy; `correct` picks the count.
Row accuracy_row(const Report& report, std::string what, int64_t Evaluation::*correct) {
    Row row{std::move(what), "", "", ""};
    const auto& before = report.float_network;
    const auto& after = report.quantised_network;
    if (before && before->labelled) row[1] = with_interval((*before).*correct, before->images);
    if (after && after->labelled) row[2] = with_interval((*after).*correct, after->images);
    if (has_drop(report))
        row[3] = points(drop_in_points((*before).*correct, before->images, (*after).*correct, after->images));
    return row;
}

Row speed_row(const Report& report) {
    Row row{"images/s", "", "", ""};
    if (report.float_network) row[1] = significant(report.float_network->images_per_second());
    if (report.quantised_network) row[2] = significant(report.quantised_network->images_per_second());
    return row;
}

std::vector<Row> rows_of(const Report& report) {
    const bool quantised = is_quantised(report);
    std::vector<Row> rows{
        {"", "float32", quantised ? one_line(quantised_label(report)) : "", has_drop(report) ? "drop" : ""}};
    if (has_accuracy(report)) {
        rows.push_back(accuracy_row(report, "top-1", &Evaluation::top1));
        rows.push_back(accuracy_row(report, "top-5", &Evaluation::top5));
    }
    if (report.agreement && report.quantised_network)
        rows.push_back({"same class", "", with_interval(*report.agreement, report.quantised_network->images), ""});
    if (quantised) {
        rows.push_back({"weight bits", "32", bits_in_figures(weight_bits(report)), ""});
        rows.push_back({"activation bits", "32", bits_in_figures(activation_bits(report)), ""});
    }
    if (report.sizes.float32 > 0) {
        Row size{"size", megabytes(report.sizes.float32), "", ""};
        if (quantised) {
            size[2] = megabytes(report.sizes.quantised());
            size[3] = fmt::format("{}× smaller", fixed(size_ratio(report.sizes), 1));
        }
        rows.push_back(std::move(size));
    }
    if (report.float_network || report.quantised_network) rows.push_back(speed_row(report));
    return rows;
}

/// Columns padded to their widest cell; a column with nothing in it is left out, and no line ends in blanks.
std::string aligned(const std::vector<Row>& rows) {
    std::array<int, 4> widths{};
    for (const Row& row : rows)
        for (size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], width(row[i]));
    std::string text;
    for (const Row& row : rows) {
        std::string cells;
        for (size_t i = 0; i < row.size(); ++i) {
            if (widths[i] == 0) continue;
            cells += row[i] + std::string(widths[i] - width(row[i]) + 3, ' ');
        }
        cells.erase(cells.find_last_not_of(' ') + 1);
        text += cells + "\n";
    }
    return text;
}

std::string heading(const Report& report) {
    std::string text = report.architecture.empty() ? report.model_file
                                                   : fmt::format("{} ({})", report.architecture, report.model_file);
    text = one_line(text) + "\n";
    if (!report.method.empty()) text += one_line(report.method) + "\n";
    return text;
}

/// A line below the figures: its subject, then a sentence.
std::string line(std::string_view subject, const std::string& text) { return fmt::format("{:<11}{}\n", subject, text); }

/// What the figures rest on, or why there are none.
std::string basis(const Report& report) {
    if (!report.validation) return line("accuracy", "not measured: no validation images");
    const std::string images = "on " + plural(report.validation->images, "validation image");
    return line("accuracy",
                images + (has_accuracy(report) ? "; in brackets the 95 % Wilson interval" : " without labels"));
}

std::string learning_line(const Report& report) {
    const std::string won = won_back(report);
    return won.empty() ? "" : line("learning", won);
}

std::string sqnr_line(const Report& report) {
    const WeightReport* weights = weakest_weights(report);
    if (!weights) return "";
    std::string text =
        fmt::format("lowest of weights {} dB ({})", fixed(*weights->weight_sqnr_db, 1), one_line(weights->name));
    if (const WeightReport* output = weakest_output(report))
        text += fmt::format(", of layer outputs {} dB ({})", fixed(*output->output_sqnr_db, 1), one_line(output->name));
    return line("SQNR", text);
}

std::string time_line(const Report& report) {
    std::string text = duration(report.total_seconds);
    for (size_t i = 0; i < report.seconds.size(); ++i)
        text +=
            fmt::format("{}{} {}", i == 0 ? ": " : ", ", report.seconds[i].first, duration(report.seconds[i].second));
    return line("time", text);
}

std::string sentences(std::string_view subject, const std::vector<std::string>& list) {
    std::string text;
    for (const std::string& sentence : list) text += line(subject, one_line(sentence));
    return text;
}

}  // namespace

std::string render_table(const Report& report) {
    return heading(report) + "\n" + aligned(rows_of(report)) + "\n" + basis(report) + learning_line(report) +
           sqnr_line(report) + time_line(report) + sentences("note", report.notes) + sentences("next", report.next);
}

}  // namespace adaq
