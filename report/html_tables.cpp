// See html_tables.h.
#include "report/html_tables.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <optional>

#include "engine/error.h"
#include "engine/statistics.h"
#include "engine/tensor.h"
#include "report/format.h"
#include "report/summary.h"

namespace adaq::report {
namespace {

std::string row_of(const std::vector<std::string>& cells, std::string_view element) {
    std::string row = "<tr>";
    for (const std::string& cell : cells) row += fmt::format("<{0}>{1}</{0}>", element, escaped(cell));
    return row + "</tr>\n";
}

/// The numbers a and b, written out, as "a … b", or once where they are the same.
std::string from_to(const std::string& a, const std::string& b) { return a == b ? a : a + " … " + b; }

void add_accuracy_rows(Cells& rows, std::string_view network, const std::optional<Evaluation>& evaluation) {
    if (!evaluation) return;
    const auto add = [&](std::string_view rank, int64_t correct) {
        const Interval interval = wilson_interval(correct, evaluation->images);
        rows.push_back({fmt::format("{} {}", rank, network), percent(share(correct, evaluation->images)),
                        fmt::format("{} – {}", fixed(100 * interval.lo, 2), fixed(100 * interval.hi, 2)),
                        count(correct), count(evaluation->images), significant(evaluation->images_per_second())});
    };
    if (!evaluation->labelled) return;
    add("top-1", evaluation->top1);
    add("top-5", evaluation->top5);
}

std::string yes_no(const std::optional<bool>& answer) { return !answer ? "–" : *answer ? "yes" : "no"; }

/// How the quantised network was run.
std::string execution(const Report& report) {
    if (report.execution == "integer") return "run as integers";
    return report.execution.empty() ? "" : "simulated: integers held in float32";
}

}  // namespace

std::string table_of(const Cells& rows, std::string_view css_class) {
    std::string table = fmt::format("<div class=\"scroll\" tabindex=\"0\"><table class=\"{}\">\n<thead>", css_class);
    table += row_of(rows.front(), "th") + "</thead>\n<tbody>";
    for (size_t i = 1; i < rows.size(); ++i) table += row_of(rows[i], "td");
    return table + "</tbody></table></div>\n";
}

std::string words_table(const std::vector<std::pair<std::string, std::string>>& pairs) {
    std::string rows;
    for (const auto& [name, value] : pairs)
        if (!value.empty()) rows += row_of({name, value}, "td");
    if (rows.empty()) return "";
    return "<div class=\"scroll\"><table class=\"words\"><tbody>\n" + rows + "</tbody></table></div>\n";
}

std::string accuracy_table(const Report& report) {
    Cells rows{{"", "accuracy", "95 % interval (%)", "correct", "images", "images/s"}};
    add_accuracy_rows(rows, "float32", report.float_network);
    add_accuracy_rows(rows, "rounded to nearest", report.nearest_network);
    add_accuracy_rows(rows, quantised_label(report), report.quantised_network);
    if (report.agreement && report.quantised_network) {
        const int64_t images = report.quantised_network->images;
        const Interval interval = wilson_interval(*report.agreement, images);
        rows.push_back({"same class as float32", percent(share(*report.agreement, images)),
                        fmt::format("{} – {}", fixed(100 * interval.lo, 2), fixed(100 * interval.hi, 2)),
                        count(*report.agreement), count(images), ""});
    }
    return rows.size() > 1 ? table_of(rows) : "";
}

std::string decibels(const std::optional<double>& sqnr) { return sqnr ? fixed(*sqnr, 2) : "–"; }

std::string weights_table(const Report& report) {
    Cells rows{{"layer", "shape", "bits", "scheme", "per", "scale min", "median", "max", "zero point", "empty groups",
                "SQNR weights (dB)", "SQNR output (dB)", "clipped", "MACs (millions)", "exact sums"}};
    for (const WeightReport& layer : report.weights)
        rows.push_back({layer.name, to_string(layer.shape), std::to_string(layer.grid.bits), layer.scheme,
                        layer.per_channel ? "channel" : "layer", significant(layer.scale.min),
                        significant(layer.scale.median), significant(layer.scale.max),
                        from_to(fixed(layer.zero_point_min, 0), fixed(layer.zero_point_max, 0)),
                        count(layer.empty_groups), decibels(layer.weight_sqnr_db), decibels(layer.output_sqnr_db),
                        layer.weight_sqnr_db ? percent(layer.clipped_share) : "–",
                        fixed(static_cast<double>(layer.multiply_accumulates) / 1e6, 2), yes_no(layer.exact_sums)});
    return table_of(rows);
}

std::string activations_table(const Report& report) {
    Cells rows{{"site", "bits", "scheme", "signs", "scale", "zero point", "observed", "quantised range", "clipped",
                "SQNR (dB)"}};
    for (const ActivationReport& site : report.activations)
        rows.push_back(
            {site.name, std::to_string(site.grid.bits), site.scheme, site.grid.one_sided ? "one-sided" : "two-sided",
             significant(site.quantiser.scale, 4), fixed(site.quantiser.zero_point, 0),
             site.observed ? from_to(significant(site.observed_min), significant(site.observed_max)) : "–",
             from_to(significant(site.range_lo()), significant(site.range_hi())),
             site.observed ? percent(site.clipped_share) : "–", site.observed ? fixed(site.sqnr_db, 2) : "–"});
    return table_of(rows);
}

std::string learning_table(const Report& report) {
    Cells rows{{"unit", "iterations", "time", "GFLOP/s", "first loss", "last loss", "weights",
                "rounded up against nearest", "down", "still between 0 and 1", "activation scales"}};
    for (const UnitRecord& unit : report.learning) {
        const RoundingShares shares = rounding_shares(unit);
        std::string scales;
        for (const ScaleRecord& scale : unit.scales)
            scales +=
                fmt::format("{}{}{} → {}", scales.empty() ? "" : "; ", unit.scales.size() > 1 ? scale.site + " " : "",
                            significant(scale.initial, 4), significant(scale.learned, 4));
        const bool rounds = shares.weights > 0, curve = !unit.curve.empty();
        rows.push_back({with_phase(unit.name, unit.phase), count(unit.iterations), duration(unit.seconds),
                        significant(unit.gflops_per_second()),
                        curve ? significant(unit.curve.front().reconstruction) : "–",
                        curve ? significant(unit.curve.back().reconstruction) : "–", count(shares.weights),
                        rounds ? percent(shares.up) : "–", rounds ? percent(shares.down) : "–",
                        rounds ? percent(shares.unsettled) : "–", scales.empty() ? "–" : scales});
    }
    return table_of(rows);
}

std::string sizes_table(const Report& report) {
    const Sizes& sizes = report.sizes;
    Cells rows{{"", "bytes", "MB"}};
    const auto add = [&](std::string_view what, int64_t bytes) {
        rows.push_back({std::string(what), count(bytes), fixed(static_cast<double>(bytes) / 1e6, 3)});
    };
    add("float32 network", sizes.float32);
    if (is_quantised(report)) {
        add("packed integers", sizes.codes);
        add("scales and zero points", sizes.scales);
        add("parameters left in float32", sizes.rest);
        add("quantised network", sizes.quantised());
    }
    return table_of(rows);
}

std::string time_table(const Report& report) {
    Cells rows{{"phase", "time"}};
    for (const auto& [phase, seconds] : report.seconds) rows.push_back({phase, duration(seconds)});
    rows.push_back({"total", duration(report.total_seconds)});
    return table_of(rows);
}

std::string settings_table(const Report& report) {
    const auto settings = nlohmann::ordered_json::parse(report.settings, nullptr, false);
    require(settings.is_object(), "report: settings are not a JSON object: {}", report.settings);
    std::vector<std::pair<std::string, std::string>> pairs;
    for (const auto& [name, value] : settings.items())
        pairs.emplace_back(name, value.is_string() ? value.get<std::string>() : value.dump());
    return words_table(pairs);
}

std::string environment_table(const Report& report) {
    std::vector<std::pair<std::string, std::string>> pairs{
        {"model file", report.model_file},
        {"architecture", report.architecture},
        {"parameters", report.parameters > 0 ? count(report.parameters) : ""},
        {"calibration images", report.calibration ? fmt::format("{} from {}", count(report.calibration->images),
                                                                report.calibration->description)
                                                  : ""},
        {"  prepared", report.calibration ? report.calibration->preprocessing : ""},
        {"validation images",
         report.validation ? fmt::format("{} from {}", count(report.validation->images), report.validation->description)
                           : ""},
        {"  prepared", report.validation ? report.validation->preprocessing : ""},
        {"adaq", report.adaq_version}};
    pairs.insert(pairs.end(), report.libraries.begin(), report.libraries.end());
    pairs.insert(pairs.end(), {{"processor", report.processor},
                               {"device", report.device},
                               {"quantised network", execution(report)},
                               {"threads", report.threads > 0 ? std::to_string(report.threads) : ""},
                               {"arithmetic", report.math},
                               {"seed", std::to_string(report.seed)},
                               {"date", report.date},
                               {"command", report.command}});
    return words_table(pairs);
}

}  // namespace adaq::report
