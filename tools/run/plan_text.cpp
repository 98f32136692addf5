// See plan_text.h.
#include "tools/run/plan_text.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "engine/printable.h"
#include "engine/tensor.h"
#include "report/format.h"

namespace adaq {
namespace {

using namespace report;

/// Columns padded to their widest cell, the first to the left, the others to the right.
std::string aligned(const std::vector<std::vector<std::string>>& rows) {
    std::vector<int> widths(rows.front().size());
    for (const auto& row : rows)
        for (size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], width(row[i]));
    std::string text;
    for (const auto& row : rows) {
        std::string line = row[0];
        for (size_t i = 1; i < row.size(); ++i) {
            const int before = (i == 1 ? widths[0] - width(row[0]) : 0) + 3 + widths[i] - width(row[i]);
            line += std::string(before, ' ') + row[i];
        }
        line.erase(line.find_last_not_of(' ') + 1);
        text += line + "\n";
    }
    return text;
}

std::string size(int64_t bytes) {
    return bytes < 1'000'000'000 ? megabytes(bytes) : fixed(static_cast<double>(bytes) / 1e9, 2) + " GB";
}

std::string line(std::string_view subject, const std::string& text) { return fmt::format("{:<11}{}\n", subject, text); }

std::vector<std::string> row(const Plan& plan, const PlannedUnit& unit) {
    std::vector<std::string> row{one_line(unit.name),
                                 to_string(unit.reads),
                                 to_string(unit.gives),
                                 count(unit.weights),
                                 unit.bits.empty() ? "float" : fmt::format("{}", fmt::join(unit.bits, ", ")),
                                 unit.output_bits < 32 ? std::to_string(unit.output_bits) : "float",
                                 significant(unit.flops / 1e9)};
    if (plan.learns)
        row.insert(row.end(),
                   {significant(1e3 * unit.iteration_seconds), unit.seconds > 0.0 ? duration(unit.seconds) : "done"});
    return row;
}

std::vector<std::vector<std::string>> rows(const Plan& plan) {
    std::vector<std::vector<std::string>> rows{{"unit", "reads", "gives", "weights", "bits", "output bits",
                                                plan.learns ? "GFLOP an iteration" : "GFLOP an image"}};
    if (plan.learns) rows[0].insert(rows[0].end(), {"ms", "in all"});
    int64_t weights = 0;
    for (const PlannedUnit& unit : plan.units) {
        rows.push_back(row(plan, unit));
        weights += unit.weights;
    }
    rows.push_back({plural(static_cast<int64_t>(plan.units.size()), "unit"), "", "", count(weights), "", "", ""});
    if (plan.learns) rows.back().insert(rows.back().end(), {"", duration(plan.times.learning)});
    return rows;
}

std::string images(const Plan& plan) {
    std::vector<std::string> parts;
    if (plan.calibration_images > 0)
        parts.push_back(count(plan.calibration_images) + " for calibration" +
                        (plan.views > 1 ? fmt::format(" in {} views each", plan.views) : ""));
    if (plan.validation_images > 0) parts.push_back(count(plan.validation_images) + " for validation");
    const std::string size = fmt::format("{}x{} pixels", plan.height, plan.width);
    return line("images", parts.empty() ? "none; shapes are those of " + size
                                        : fmt::format("{}; {}", fmt::join(parts, ", "), size));
}

std::string state(const Plan& plan, const std::string& folder) {
    return line("state", fmt::format("{} of {} units{} are finished in {}", plan.finished, plan.turns,
                                     plan.passes > 1 ? ", counted in each pass," : "", one_line(folder)));
}

std::string time(const Plan& plan) {
    const Forecast& times = plan.times;
    std::vector<std::pair<std::string, double>> parts;
    if (!plan.method.empty()) parts.emplace_back("ranges", times.ranges);
    if (plan.learns) {
        parts.emplace_back("learning", times.learning);
        parts.emplace_back("values of the calibration images", times.values);
    }
    if (plan.validation_images > 0) parts.emplace_back("evaluation", times.float_evaluation + times.evaluation);
    std::vector<std::string> words;
    for (const auto& [what, seconds] : parts) words.push_back(fmt::format("{} {}", what, duration(seconds)));
    std::string text = line("time", fmt::format("about {}: {}", duration(times.total()), fmt::join(words, ", ")));
    text +=
        line("", "from the fastest of a few tries on made-up numbers: a busy machine takes longer; images load beside");
    if (plan.learns) {
        const auto rest = static_cast<int64_t>(plan.units.size()) - plan.timed - plan.like_others;
        text += line(
            "", fmt::format("iterations timed of {}{}{}", plural(plan.timed, "unit"),
                            plan.like_others > 0 ? fmt::format("; {} more have their shapes", plan.like_others) : "",
                            rest > 0 ? fmt::format("; {} more by GFLOP/s", rest) : ""));
    }
    return text;
}

std::string files(const RunOptions& options) {
    std::vector<std::string> files;
    for (const std::string& file : {options.save, options.report_html, options.report_json, options.logits})
        if (!file.empty()) files.push_back(one_line(file));
    return line("writes", files.empty() ? "nothing" : fmt::format("{}", fmt::join(files, ", ")));
}

}  // namespace

std::string memory_text(int64_t cached_bytes, int64_t memory) {
    return fmt::format("{} at most for values of all calibration images; --memory allows {}{}", size(cached_bytes),
                       size(memory), cached_bytes > memory ? ": what is over is spilled" : "");
}

std::string plan_text(const RunOptions& options, const std::string& title, const Plan& plan) {
    std::string text = one_line(title) + "\n";
    if (!plan.method.empty()) text += plan.method + "\n";
    text += "\n" + aligned(rows(plan)) + "\n" + images(plan);
    if (plan.learns) text += line("memory", memory_text(plan.cached_bytes, plan.memory));
    if (options.quantise.resume) text += state(plan, options.quantise.state);
    return text + time(plan) + files(options);
}

}  // namespace adaq
