// See plan.h.
#include "tools/run/plan.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <filesystem>
#include <set>

#include "engine/printable.h"
#include "engine/reconstruction/unit_walk.h"
#include "report/format.h"
#include "tools/run/advice.h"
#include "tools/run/cached_bytes.h"
#include "tools/run/memory_size.h"
#include "tools/run/state.h"
#include "tools/run/unit_timing.h"

namespace adaq {
namespace {

using namespace report;

constexpr double kBudget = 10.0;       // seconds of timing iterations
constexpr int64_t kScaleImages = 256;  // activation ranges are chosen on the first so many

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
            line += std::string(static_cast<size_t>(before), ' ') + row[i];
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

class Plan {
  public:
    Plan(const RunOptions& options, const PlanInput& input)
        : options_(options),
          input_(input),
          network_(input.network),
          shapes_(value_shapes(network_.graph, input.height, input.width)),
          quantises_(!options.float_only && !input.network.quantised()) {
        if (quantises_) stand_in();
    }

    std::string text() {
        if (!options_.state.empty()) RunState::check_free(options_.state, options_.resume);
        prepare(kBudget);
        std::string text = one_line(input_.title) + "\n";
        if (quantises_) text += method_sentence(options_) + "\n";
        text += "\n" + aligned(rows()) + "\n" + images();
        if (!passes_.empty()) text += memory();
        if (options_.resume) text += state();
        return text + time() + files();
    }

    Forecast forecast(double budget) {
        prepare(budget);
        return forecast();
    }

  private:
    /// Once over the network with the recipe's first or second options.
    struct Pass {
        uint32_t phase = 0;
        double iterations = 0.0;
        UnitTiming timing;
    };

    /// Units, and how long they take, in at most so many seconds.
    void prepare(double budget) {
        const bool learns = options_.learns() && quantises_;
        units_ = learns ? learned_units(network_.graph, options_.recipe, options_.head_stem_8bit)
                        : units_of(network_.graph, UnitKind::layers);
        if (learns) time_passes(budget);
    }

    void time_passes(double budget) {
        const Recipe& recipe = options_.recipe;
        UnitOptions learn = recipe.learn;
        learn.quantise_activations = recipe.scale_start != ScaleStart::after_weights;
        const bool two = recipe.scales && !input_.sites.empty();
        std::vector<UnitOptions> passes{learn};
        if (two) passes.push_back(*recipe.scales);
        WalkOptions walk;
        walk.units = units_;
        walk.sites = input_.sites;
        for (const UnitOptions& options : passes) {
            passes_.push_back({options.phase, static_cast<double>(options.schedule.iterations),
                               time_units(input_.device, {network_, input_.network, units_, shapes_}, options,
                                          input_.calibration_images, budget / static_cast<double>(passes.size()))});
            const std::vector<Unit> learning = walk.units_of(options);
            for (size_t i = 0; i < units_.size(); ++i) {
                const auto same = [&](const Unit& unit) { return unit.first == units_[i].first; };
                if (std::none_of(learning.begin(), learning.end(), same)) passes_.back().timing.seconds[i] = 0.0;
            }
        }
    }

    /// The network as it will be shaped: ranges do not matter here, and these are chosen at once.
    void stand_in() {
        quantise_weights(input_.device, network_,
                         {{"minmax", options_.weight_bits, options_.p, options_.symmetric},
                          options_.per_channel,
                          options_.head_stem_8bit,
                          options_.layer_bits});
        for (const Site& site : input_.sites) {
            const Grid grid{site.bits, true};
            network_.values[static_cast<size_t>(site.value)] =
                QuantisedActivation{grid, "minmax", 1.0f / grid.qmax(), 0.0f};
        }
    }

    /// Whether an earlier run of this --state has finished it, so that --resume takes it up from there.
    bool finished(size_t unit, const Pass& pass) const {
        return options_.resume && RunState::finished(options_.state, units_[unit], pass.phase);
    }

    /// What a unit's time goes by: its iterations in all passes that are left.
    double seconds(size_t unit) const {
        double sum = 0.0;
        for (const Pass& pass : passes_)
            if (!finished(unit, pass)) sum += pass.iterations * pass.timing.seconds[unit];
        return sum;
    }

    std::vector<std::string> row(size_t index) const {
        const Unit& unit = units_[index];
        int64_t weights = 0;
        double forward = 0.0;
        std::set<int> bits;
        for (int i = unit.first; i < unit.last; ++i) {
            const Node& node = network_.graph.node(i);
            if (node.layer < 0) continue;
            const Layer& layer = network_.layers[static_cast<size_t>(node.layer)];
            weights += element_count(layer.shape);
            forward += 2.0 * static_cast<double>(element_count(shapes_[static_cast<size_t>(Graph::output_of(i))]) *
                                                 layer.weights_per_channel());
            if (layer.codes) bits.insert(layer.codes->grid.bits);
        }
        const auto& site = network_.values[static_cast<size_t>(unit.output())];
        std::vector<std::string> row{one_line(unit.name),
                                     to_string(shapes_[static_cast<size_t>(unit.input)]),
                                     to_string(shapes_[static_cast<size_t>(unit.output())]),
                                     count(weights),
                                     bits.empty() ? "float" : fmt::format("{}", fmt::join(bits, ", ")),
                                     site ? std::to_string(site->grid.bits) : "float",
                                     significant((passes_.empty() ? forward : passes_[0].timing.flops[index]) / 1e9)};
        if (!passes_.empty())
            row.insert(row.end(), {significant(1e3 * passes_[0].timing.seconds[index]),
                                   seconds(index) > 0.0 ? duration(seconds(index)) : "done"});
        return row;
    }

    std::vector<std::vector<std::string>> rows() const {
        const bool learned = !passes_.empty();
        std::vector<std::vector<std::string>> rows{{"unit", "reads", "gives", "weights", "bits", "output bits",
                                                    learned ? "GFLOP an iteration" : "GFLOP an image"}};
        if (learned) rows[0].insert(rows[0].end(), {"ms", "in all"});
        for (size_t i = 0; i < units_.size(); ++i) rows.push_back(row(i));
        int64_t weights = 0;
        for (const Layer& layer : network_.layers) weights += element_count(layer.shape);
        rows.push_back({plural(static_cast<int64_t>(units_.size()), "unit"), "", "", count(weights), "", "", ""});
        if (learned) rows.back().insert(rows.back().end(), {"", duration(learning())});
        return rows;
    }

    double learning() const {
        double sum = 0.0;
        for (size_t i = 0; i < units_.size(); ++i) sum += seconds(i);
        return sum;
    }

    int64_t learned_images() const { return input_.calibration_images * options_.recipe.views; }

    std::string images() const {
        std::vector<std::string> parts;
        if (input_.calibration_images > 0) {
            const int views = options_.recipe.views;
            parts.push_back(count(input_.calibration_images) + " for calibration" +
                            (views > 1 ? fmt::format(" in {} views each", views) : ""));
        }
        if (input_.validation_images > 0) parts.push_back(count(input_.validation_images) + " for validation");
        const std::string size = fmt::format("{}x{} pixels", input_.height, input_.width);
        return line("images", parts.empty() ? "none; shapes are those of " + size
                                            : fmt::format("{}; {}", fmt::join(parts, ", "), size));
    }

    std::string memory() const {
        Recipe recipe = options_.recipe;
        recipe.scale_images = std::min(recipe.scale_images, input_.calibration_images);  // as they are
        const int64_t bytes = cached_bytes(network_, shapes_, units_, recipe, learned_images()),
                      limit = memory_size(options_.memory, input_.device.free_memory());
        return line("memory", fmt::format("{} at most for values of all calibration images; --memory allows {}{}",
                                          size(bytes), size(limit), bytes > limit ? ": what is over is spilled" : ""));
    }

    std::string state() const {
        int64_t there = 0, all = 0;
        for (const Pass& pass : passes_) {
            for (size_t i = 0; i < units_.size(); ++i) {
                if (pass.timing.seconds[i] == 0.0) continue;  // nothing to learn in this pass
                ++all;
                there += finished(i, pass);
            }
        }
        return line("state",
                    fmt::format("{} of {} units{} are finished in {}", there, all,
                                passes_.size() > 1 ? ", counted in each pass," : "", one_line(options_.state)));
    }

    /// Choosing the ranges of weights, and of activations on the first images.
    double ranges() const {
        const SchemeOptions weight{options_.scheme, options_.weight_bits, options_.p, options_.symmetric},
            activation{options_.activation_scheme, options_.activation_bits, options_.p, false};
        double seconds = 0.0;
        int64_t weights = 0, values = 0, channels = 0;
        for (const Layer& layer : network_.layers) {
            weights += element_count(layer.shape);
            channels += options_.per_channel ? layer.channels() : 1;
        }
        seconds +=
            static_cast<double>(weights) * time_ranges(input_.device, weight, weights / std::max<int64_t>(channels, 1));
        if (input_.sites.empty()) return seconds;
        for (const Site& site : input_.sites) values += element_count(shapes_[static_cast<size_t>(site.value)]);
        const int64_t images = std::min(input_.calibration_images, kScaleImages);
        return seconds + static_cast<double>(values * images) * time_ranges(input_.device, activation, 0);
    }

    Forecast forecast() const {
        const double image = time_forward(input_.device, input_.network, input_.height, input_.width);
        Forecast times;
        if (quantises_) times.ranges = ranges();
        if (!passes_.empty()) {
            times.learning = learning();
            times.values = 2.0 * static_cast<double>(learned_images()) * image;
        }
        times.float_evaluation = static_cast<double>(input_.validation_images) * image;
        if (quantises_) times.evaluation = times.float_evaluation;
        return times;
    }

    std::string time() const {
        const Forecast times = forecast();
        std::vector<std::pair<std::string, double>> parts;
        if (quantises_) parts.emplace_back("ranges", times.ranges);
        if (!passes_.empty()) {
            parts.emplace_back("learning", times.learning);
            parts.emplace_back("values of the calibration images", times.values);
        }
        if (input_.validation_images > 0) parts.emplace_back("evaluation", times.float_evaluation + times.evaluation);
        std::vector<std::string> words;
        for (const auto& [what, seconds] : parts) words.push_back(fmt::format("{} {}", what, duration(seconds)));
        std::string text = line("time", fmt::format("about {}: {}", duration(times.total()), fmt::join(words, ", ")));
        text += line(
            "", "from the fastest of a few tries on made-up numbers: a busy machine takes longer; images load beside");
        if (!passes_.empty()) {
            const UnitTiming& timing = passes_[0].timing;
            const auto rest = static_cast<int64_t>(units_.size()) - timing.timed - timing.like_others;
            text += line(
                "", fmt::format(
                        "iterations timed of {}{}{}", plural(timing.timed, "unit"),
                        timing.like_others > 0 ? fmt::format("; {} more have their shapes", timing.like_others) : "",
                        rest > 0 ? fmt::format("; {} more by GFLOP/s", rest) : ""));
        }
        return text;
    }

    std::string files() const {
        std::vector<std::string> files;
        for (const std::string& file : {options_.save, options_.report_html, options_.report_json, options_.logits})
            if (!file.empty()) files.push_back(one_line(file));
        return line("writes", files.empty() ? "nothing" : fmt::format("{}", fmt::join(files, ", ")));
    }

    const RunOptions& options_;
    const PlanInput& input_;
    Network network_;
    std::vector<Shape> shapes_;
    bool quantises_;
    std::vector<Unit> units_;
    std::vector<Pass> passes_;  // empty: nothing is learned
};

}  // namespace

std::string plan(const RunOptions& options, const PlanInput& input) { return Plan(options, input).text(); }

Forecast forecast(const RunOptions& options, const PlanInput& input, double budget) {
    return Plan(options, input).forecast(budget);
}

}  // namespace adaq
