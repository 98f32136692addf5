// The report as one page for a browser: verdict first, then plots, then every number in tables that fold away. It needs
// nothing beside itself: style and plots are inline, and there is no script.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "adaq/report.h"
#include "engine/tensor.h"
#include "report/charts.h"
#include "report/format.h"
#include "report/html_parts.h"
#include "report/html_tables.h"
#include "report/summary.h"

namespace adaq {
namespace {

using namespace report;

struct LegendEntry {
    std::string_view css_class;
    std::string text;
};

std::string legend(const std::vector<LegendEntry>& entries) {
    std::string markup = "<p class=\"legend\">";
    for (const LegendEntry& entry : entries)
        markup += fmt::format("<span><i class=\"{}\"></i>{}</span>\n", entry.css_class, escaped(entry.text));
    return markup + "</p>\n";
}

/// A titled plot; nothing where there is nothing to plot.
std::string figure(std::string_view title, std::string_view caption, const std::string& key, const std::string& chart) {
    if (chart.empty()) return "";
    return fmt::format("<figure><h3>{}</h3><figcaption>{}</figcaption>{}{}</figure>\n", title, caption, key, chart);
}

std::string accuracy_tile(const Report& report) {
    if (has_drop(report)) {
        const Evaluation &before = *report.float_network, &after = *report.quantised_network;
        const double drop = drop_in_points(before.top1, before.images, after.top1, after.images);
        return tile("Top-1 accuracy", percent(share(after.top1, after.images)),
                    fmt::format("{} points {} float32’s {}", fixed(std::abs(drop), 2), drop >= 0 ? "below" : "above",
                                percent(share(before.top1, before.images))));
    }
    if (!has_accuracy(report)) return "";
    const Evaluation& network = report.quantised_network && report.quantised_network->labelled
                                    ? *report.quantised_network
                                    : *report.float_network;
    return tile("Top-1 accuracy", percent(share(network.top1, network.images)), plural(network.images, "image"));
}

std::string tiles(const Report& report) {
    std::string body = accuracy_tile(report);
    if (report.agreement && report.quantised_network)
        body += tile("Same class as float32", percent(share(*report.agreement, report.quantised_network->images)),
                     "of " + plural(report.quantised_network->images, "image"));
    if (is_quantised(report)) {
        if (report.sizes.float32 > 0)
            body += tile("Model size", megabytes(report.sizes.quantised()),
                         fmt::format("{}× smaller than {}", fixed(size_ratio(report.sizes), 1),
                                     megabytes(report.sizes.float32)));
        body += tile("Weights / activations",
                     fmt::format("{} / {} bit", usual_bits(weight_bits(report)), usual_bits(activation_bits(report))),
                     bits_in_words(report));
    }
    if (report.total_seconds > 0.0) body += tile("Time taken", duration(report.total_seconds), "loading to last image");
    return tile_row(body);
}

std::string title_of(const Report& report) {
    const std::string name = report.architecture.empty() ? report.model_file : report.architecture;
    return escaped(report.label.empty() ? name : name + ", " + report.label);
}

std::string header(const Report& report) {
    return fmt::format(
        "<header><p class=\"eyebrow\">adaq report</p>\n<h1>{}</h1>\n<p class=\"muted\">{}</p>\n"
        "<p class=\"verdict\">{}</p></header>\n",
        title_of(report), escaped(report.method), escaped(verdict(report)));
}

std::string overview(const Report& report) {
    std::vector<LegendEntry> bars;
    if (report.float_network && report.float_network->labelled) bars.push_back({"k-float", "float32"});
    if (report.quantised_network && report.quantised_network->labelled)
        bars.push_back({"k-quantised", quantised_label(report)});
    if (report.agreement) bars.push_back({"k-agreement", "same class in both"});
    std::vector<LegendEntry> parts{{"k-float", "float32"}};
    if (is_quantised(report))
        parts.insert(parts.end(), {{"k-quantised", "packed integers"}, {"k-agreement", "scales"}});
    return block("pair",
                 figure("Accuracy", "Whiskers are 95 % Wilson intervals.", legend(bars), accuracy_chart(report)) +
                     figure("Model size", "What has to be stored or shipped.", legend(parts), size_chart(report)));
}

std::string range_figure(const Report& report) {
    const bool observed = std::any_of(report.activations.begin(), report.activations.end(),
                                      [](const ActivationReport& site) { return site.observed; });
    std::vector<LegendEntry> key{{"k-band", "quantised range"}};
    if (observed)
        key.insert(key.end(), {{"k-quantised stroke", "observed"}, {"k-clipped stroke", "observed, clipped"}});
    return figure("Activation ranges",
                  observed ? "What calibration saw against what the integers can hold; the right column is the largest "
                             "quantised value."
                           : "What the integers can hold; the right column is the largest quantised value.",
                  legend(key), range_chart(report));
}

std::string layers(const Report& report) {
    std::vector<LegendEntry> key{{"k-quantised", "weights"}};
    if (weakest_output(report)) key.push_back({"k-outputs dot", "output of the layer, in the quantised network"});
    return block("pair", figure("Precision of every layer",
                                "How much louder the signal is than the quantisation error, in network order.",
                                legend(key), sqnr_chart(report)) +
                             range_figure(report));
}

std::string small_multiple(const std::string& name, const std::string& facts, const std::string& chart) {
    if (chart.empty()) return "";
    return fmt::format("<figure><h3>{}</h3><figcaption>{}</figcaption>{}</figure>\n", escaped(name), facts, chart);
}

std::string histogram_key(std::string_view lines) {
    return "<p class=\"muted\">Heights are square roots of counts, so that the tails show; a bar that would dwarf the "
           "others is cut at the top. " +
           std::string(lines) + "</p>\n";
}

std::string weight_histograms(const Report& report) {
    std::string figures;
    for (const WeightReport& layer : report.weights) {
        std::string facts = fmt::format("{} bit, {}", layer.grid.bits, to_string(layer.shape));
        if (layer.weight_sqnr_db) facts += fmt::format(", {} dB", fixed(*layer.weight_sqnr_db, 1));
        if (layer.per_channel) facts += fmt::format("; grid of channel {}", layer.typical_channel);
        figures += small_multiple(layer.name, facts, weight_histogram(layer));
    }
    if (figures.empty()) return "";
    return histogram_key(
               "Orange lines are the values that a weight can take; beyond 5 bits only the lowest and the highest are "
               "drawn. Where every channel has its own grid, the one with the median scale is shown. The horizontal "
               "axis is the weight.") +
           block("multiples", figures);
}

std::string activation_histograms(const Report& report) {
    std::string figures;
    for (const ActivationReport& site : report.activations)
        figures += small_multiple(site.name,
                                  fmt::format("{} bit, {} dB, {} clipped", site.grid.bits, fixed(site.sqnr_db, 1),
                                              escaped(percent(site.clipped_share))),
                                  activation_histogram(site));
    if (figures.empty()) return "";
    return histogram_key(
               "The shaded range between the orange lines can be held; what lies outside is clipped. The horizontal "
               "axis is the activation.") +
           block("multiples", figures);
}

std::string curves(const Report& report) {
    std::string figures;
    for (const UnitRecord& unit : report.learning) {
        const RoundingShares shares = rounding_shares(unit);
        std::string facts =
            fmt::format("{}, {} GFLOP/s", duration(unit.seconds), significant(unit.gflops_per_second()));
        if (!unit.roundings.empty())
            facts += fmt::format("<br>{} % flipped, {} % unsettled", fixed(100 * (shares.up + shares.down), 1),
                                 fixed(100 * shares.unsettled, 1));
        figures += small_multiple(with_phase(unit.name, unit.phase), facts, learning_curves(unit));
    }
    return block("multiples", figures);
}

std::vector<LegendEntry> learning_key(const Report& report) {
    std::vector<LegendEntry> key{{"k-quantised stroke", "reconstruction error"},
                                 {"k-agreement", "roundings with 0.05 < h < 0.95"},
                                 {"k-outputs stroke", "penalty"}};
    const auto& points = report.learning.front().curve;
    if (!points.empty() && points.front().prediction > 0.0)
        key.insert(key.begin() + 1, {"k-agreement stroke", "difference in prediction"});
    return key;
}

/// What a method that learns did to each unit.
std::string learning(const Report& report) {
    if (report.learning.empty()) return "";
    return block("pair",
                 figure("Roundings that left the nearest integer",
                        "Of every layer’s weights, the share that was rounded the other way.",
                        legend({{"k-quantised", "up"}, {"k-outputs", "down"}}), rounding_chart(report)) +
                     figure("Activation scales", "How far each moved from where calibration put it.",
                            legend({{"k-quantised dot", "learned"}}), scale_chart(report)) +
                     figure("Weight scales", "How far each layer’s channels moved from where they started.",
                            legend({{"k-quantised stroke", "lowest to highest"}, {"k-quantised dot", "median"}}),
                            channel_chart(report))) +
           "<p class=\"muted\">Each unit over its iterations. Above, on a logarithmic scale: the reconstruction error "
           "on "
           "the batch of that iteration. Below: the roundings that are still between 0 and 1, and the penalty that "
           "drives them there, in parts of its highest. Soft roundings start nearer to the float weights than integers "
           "can be, so the error may rise as they settle. Flipped: not rounded to the nearest integer. Unsettled: "
           "still "
           "between 0 and 1 at the end, where every rounding was made hard.</p>\n" +
           legend(learning_key(report)) + curves(report);
}

std::string numbers(const Report& report) {
    std::string body = folded("Accuracy", accuracy_table(report));
    if (!report.weights.empty()) body += folded("Weights, layer by layer", weights_table(report));
    if (!report.activations.empty()) body += folded("Activations, site by site", activations_table(report));
    if (!report.learning.empty()) body += folded("Learning, unit by unit", learning_table(report));
    if (report.sizes.float32 > 0) body += folded("Size", sizes_table(report));
    if (report.total_seconds > 0.0) body += folded("Time", time_table(report));
    return body + folded("Settings", settings_table(report)) +
           folded("Model, data and machine", environment_table(report));
}

}  // namespace

std::string render_html(const Report& report) {
    std::string body = header(report) + tiles(report);
    body += section("Result", overview(report));
    body += section("What to try next", list(report.next));
    body += section("Notes", list(report.notes));
    body += section("Layers and activations", layers(report));
    body += section("Learning", learning(report));
    body += section("Weights over their grids", weight_histograms(report));
    body += section("Activations over their ranges", activation_histograms(report));
    body += section("All numbers", numbers(report));
    return page(title_of(report) + " – adaq report", body, report.adaq_version);
}

}  // namespace adaq
