// See summary.h; and the verdict of report.h, which puts these facts into sentences.
#include "report/summary.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "engine/statistics.h"
#include "report/format.h"

namespace adaq {
namespace report {
namespace {

/// (bits, how often), the most frequent first, fewer bits first among equals.
std::vector<std::pair<int, int64_t>> tally(const std::vector<int>& bits) {
    std::map<int, int64_t> counts;
    for (int b : bits) ++counts[b];
    std::vector<std::pair<int, int64_t>> order(counts.begin(), counts.end());
    std::stable_sort(order.begin(), order.end(), [](const auto& a, const auto& b) { return a.second > b.second; });
    return order;
}

std::string bits_phrase(const std::vector<int>& bits, std::string_view what, std::string_view groups) {
    if (bits.empty()) return fmt::format("float32 {}", what);
    const auto order = tally(bits);
    std::string phrase = fmt::format("{}-bit {}", order[0].first, what);
    for (size_t i = 1; i < order.size(); ++i)
        phrase += fmt::format("{}{} of {} {}: {}-bit", i == 1 ? " (" : ", ", order[i].second, bits.size(), groups,
                              order[i].first);
    return order.size() > 1 ? phrase + ")" : phrase;
}

std::string accuracy_sentence(const Report& report) {
    if (has_drop(report)) {
        const Evaluation& before = *report.float_network;
        const Evaluation& after = *report.quantised_network;
        const double drop = drop_in_points(before.top1, before.images, after.top1, after.images);
        const std::string now = percent(share(after.top1, after.images));
        const std::string was = percent(share(before.top1, before.images));
        if (fixed(drop, 2) == "0.00") return fmt::format("top-1 accuracy stays at {}.", now);
        return fmt::format("top-1 accuracy is {}, {} points {} the float32 network’s {}.", now,
                           fixed(std::abs(drop), 2), drop > 0 ? "below" : "above", was);
    }
    if (report.quantised_network && report.quantised_network->labelled)
        return fmt::format("top-1 accuracy is {}; the float32 network was not evaluated.",
                           percent(share(report.quantised_network->top1, report.quantised_network->images)));
    if (report.agreement && report.quantised_network)
        return fmt::format("the network names the same class as in float32 for {} of {}.",
                           percent(share(*report.agreement, report.quantised_network->images)),
                           plural(report.quantised_network->images, "image"));
    if (report.evaluation_failed) return "accuracy was not measured, because the evaluation did not come to its end.";
    return "accuracy was not measured, because there were no validation images with labels.";
}

std::string float_verdict(const Report& report) {
    if (!report.float_network || !report.float_network->labelled)
        return "Nothing was quantised and no accuracy was measured.";
    return fmt::format("The float32 network reaches {} top-1 accuracy on {}. Nothing was quantised.",
                       percent(share(report.float_network->top1, report.float_network->images)),
                       plural(report.float_network->images, "image"));
}

std::string certainty_sentence(const Report& report) {
    if (!has_accuracy(report)) return "";
    const Evaluation& network = report.quantised_network ? *report.quantised_network : *report.float_network;
    const Interval interval = wilson_interval(network.top1, network.images);
    return fmt::format(" Measured on {}, an accuracy is known to about ±{} points (95 % interval).",
                       plural(network.images, "image"), fixed(50.0 * (interval.hi - interval.lo), 1));
}

}  // namespace

bool has_drop(const Report& report) {
    return report.float_network && report.quantised_network && report.float_network->labelled &&
           report.quantised_network->labelled;
}

std::string won_back(const Report& report) {
    if (!has_drop(report) || !report.nearest_network || !report.nearest_network->labelled) return "";
    const Evaluation &before = *report.float_network, &nearest = *report.nearest_network,
                     &after = *report.quantised_network;
    const double lost = drop_in_points(before.top1, before.images, nearest.top1, nearest.images);
    const double won = lost - drop_in_points(before.top1, before.images, after.top1, after.images);
    std::string text =
        fmt::format("nearest rounding of the same bits reaches {}", percent(share(nearest.top1, nearest.images)));
    if (won > 0.0 && lost > 0.0)
        return fmt::format("{}: learning wins back {} of the {} points that it loses", text, fixed(won, 2),
                           fixed(lost, 2));
    return fmt::format("{}, {} points {}", text, fixed(std::abs(won), 2), won < 0.0 ? "more" : "less");
}

bool has_accuracy(const Report& report) {
    return (report.float_network && report.float_network->labelled) ||
           (report.quantised_network && report.quantised_network->labelled);
}

bool is_quantised(const Report& report) { return !report.weights.empty() || !report.activations.empty(); }

double share(int64_t part, int64_t whole) {
    return whole > 0 ? static_cast<double>(part) / static_cast<double>(whole) : 0.0;
}

double drop_in_points(int64_t before, int64_t before_images, int64_t after, int64_t after_images) {
    return 100.0 * (share(before, before_images) - share(after, after_images));
}

double size_ratio(const Sizes& sizes) { return sizes.quantised() > 0 ? share(sizes.float32, sizes.quantised()) : 0.0; }

std::string quantised_label(const Report& report) { return report.label.empty() ? "quantised" : report.label; }

std::vector<int> weight_bits(const Report& report) {
    std::vector<int> bits;
    for (const WeightReport& layer : report.weights) bits.push_back(layer.grid.bits);
    return bits;
}

std::vector<int> activation_bits(const Report& report) {
    std::vector<int> bits;
    for (const ActivationReport& site : report.activations) bits.push_back(site.grid.bits);
    return bits;
}

std::string bits_in_words(const Report& report) {
    return bits_phrase(weight_bits(report), "weights", "layers") + " and " +
           bits_phrase(activation_bits(report), "activations", "sites");
}

std::string bits_in_figures(const std::vector<int>& bits) {
    if (bits.empty()) return "32";
    const auto order = tally(bits);
    std::string text = std::to_string(order[0].first);
    for (size_t i = 1; i < order.size(); ++i)
        text += fmt::format("{}{} of {}: {}", i == 1 ? " (" : ", ", order[i].second, bits.size(), order[i].first);
    return order.size() > 1 ? text + ")" : text;
}

int usual_bits(const std::vector<int>& bits) { return bits.empty() ? 32 : tally(bits)[0].first; }

const WeightReport* weakest_weights(const Report& report) {
    const WeightReport* weakest = nullptr;
    for (const WeightReport& layer : report.weights)
        if (layer.weight_sqnr_db && (!weakest || *layer.weight_sqnr_db < *weakest->weight_sqnr_db)) weakest = &layer;
    return weakest;
}

const WeightReport* weakest_output(const Report& report) {
    const WeightReport* weakest = nullptr;
    for (const WeightReport& layer : report.weights)
        if (layer.output_sqnr_db && (!weakest || *layer.output_sqnr_db < *weakest->output_sqnr_db)) weakest = &layer;
    return weakest;
}

std::string with_phase(const std::string& name, uint32_t phase) {
    return phase == 0 ? name : fmt::format("{}, phase {}", name, phase + 1);
}

RoundingShares rounding_shares(const UnitRecord& unit) {
    RoundingShares shares;
    for (const RoundingRecord& layer : unit.roundings) shares.weights += layer.weights;
    if (shares.weights == 0) return shares;
    for (const RoundingRecord& layer : unit.roundings) {
        const double part = static_cast<double>(layer.weights) / static_cast<double>(shares.weights);
        shares.up += part * layer.up;
        shares.down += part * layer.down;
        shares.unsettled += part * layer.unsettled.share;
    }
    return shares;
}

}  // namespace report

std::string verdict(const Report& report) {
    using namespace report;
    if (!is_quantised(report)) return float_verdict(report) + certainty_sentence(report);
    std::string text = fmt::format("With {}, {}", bits_in_words(report), accuracy_sentence(report));
    if (const double ratio = size_ratio(report.sizes); ratio > 0.0)
        text += fmt::format(" The model takes {} instead of {}, {} times smaller.", megabytes(report.sizes.quantised()),
                            megabytes(report.sizes.float32), fixed(ratio, 1));
    if (std::string won = won_back(report); !won.empty()) {
        won[0] = 'N';
        text += " " + won + ".";
    }
    return text + certainty_sentence(report);
}

}  // namespace adaq
