#include "tools/run/advice.h"

#include <fmt/format.h>

#include <algorithm>

#include "adaq/data/label_readings.h"

namespace adaq {
namespace {

constexpr double kNoticeableDrop = 1.0;  // points of top-1
constexpr double kFewestImages = 100.0 / kNoticeableDrop;

/// Where rounding alone, learned layer by layer, does not win everything back (docs/accuracy.md).
bool few_bits(const QuantiseOptions& o) { return o.weight_bits < 4 || o.activation_bits <= 4; }

/// By what was lost, which can only be told of a network that does not guess: a note tells of one that does.
void advise_on_loss(const QuantiseOptions& o, const Report& report, int classes, std::vector<std::string>& next) {
    const auto &before = *report.float_network, &after = *report.quantised_network;
    if (is_near_chance(before.top1, before.images, classes)) return;
    const auto images = static_cast<double>(before.images);
    if (images < kFewestImages) {
        next.push_back(fmt::format("{} images do not tell what was lost: validate on a thousand.", before.images));
        return;
    }
    if (100.0 * static_cast<double>(before.top1 - after.top1) / images < kNoticeableDrop) {
        if (o.weight_bits > 2)
            next.push_back(fmt::format("Little is lost at {}: try fewer bits, e.g. --w{}.", report.label,
                                       std::max(2, o.weight_bits - 1)));
        return;
    }
    if (o.method != "best" && few_bits(o))
        next.emplace_back("Learn what so few bits need: --method best, with --iters 300 for a first look.");
    else if (!o.learns())
        next.emplace_back("Learn how to round: --method adaround, with --iters 200 for a first look.");
    if (o.granularity != "channel") next.emplace_back("One scale a layer is coarse: try --granularity channel.");
    if (!o.head_stem_8bit)
        next.emplace_back(
            "Give the first and last layer 8 bits: --head-stem-8bit costs little size and often wins back much.");
    if (o.weight_bits < 8) next.push_back(fmt::format("See what a bit more buys: --w{}.", o.weight_bits + 1));
    if (o.scheme != "orgnorm" && o.scheme != "lp")
        next.emplace_back("Try a range scheme that is better at few bits: --scheme orgnorm.");
}

}  // namespace

std::vector<std::string> advice(const RunOptions& options, const Report& report, int classes) {
    std::vector<std::string> next;
    if (!report.float_network || !report.quantised_network || report.float_network->images == 0) return next;
    advise_on_loss(options.quantise, report, classes, next);
    if (options.report_html.empty())
        next.emplace_back("See where the error arises, layer by layer: --report report.html.");
    if (options.save.empty())
        next.emplace_back("Keep the result: --save quantised.bin; evaluate it again with --weights quantised.bin.");
    if (options.weights.empty())
        next.emplace_back("Quantise your own network: --weights resnet18.pth --calib DIR --val DIR.");
    return next;
}

}  // namespace adaq
