// See plan.h.
#include "tools/run/plan.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <filesystem>
#include <numeric>

#include "engine/report/format.h"
#include "tools/run/advice.h"
#include "tools/run/memory_size.h"
#include "tools/run/reconstruct.h"
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
          shapes_(value_shapes(network_, input.height, input.width)),
          quantises_(!options.float_only && !input.network.quantised()) {
        if (quantises_) stand_in();
    }

    std::string text() {
        const bool learns = options_.learns() && quantises_;
        if (learns)
            timing_ = time_units(input_.device, network_, shapes_, unit_options(options_), input_.calibration_images,
                                 kBudget);
        std::string text = printable(input_.title) + "\n";
        if (quantises_) text += method_sentence(options_) + "\n";
        text += "\n" + aligned(rows()) + "\n" + images();
        if (learns) text += memory();
        return text + time() + files();
    }

  private:
    /// The network as it will be shaped: ranges do not matter here, and these are chosen at once.
    void stand_in() {
        quantise_weights(input_.device, network_,
                         {{"minmax", options_.weight_bits, options_.p, options_.symmetric},
                          options_.per_channel,
                          options_.head_stem_8bit});
        for (const Site& site : input_.sites) {
            const Grid grid{site.bits, true};
            network_.values[static_cast<size_t>(site.value)] =
                QuantisedActivation{grid, "minmax", 1.0f / grid.qmax(), 0.0f};
        }
    }

    double iterations() const { return static_cast<double>(options_.iterations); }

    std::vector<std::vector<std::string>> rows() const {
        const bool learned = !timing_.seconds.empty();
        std::vector<std::vector<std::string>> rows{{"unit", "reads", "gives", "weights", "bits", "output bits",
                                                    learned ? "GFLOP an iteration" : "GFLOP an image"}};
        if (learned) rows[0].insert(rows[0].end(), {"ms", "in all"});
        int64_t weights = 0;
        for (size_t i = 0; i < network_.graph.nodes.size(); ++i) {
            const Node& node = network_.graph.nodes[i];
            if (node.layer < 0) continue;
            const auto index = static_cast<size_t>(node.layer), output = i + 1;
            const Layer& layer = network_.layers[index];
            const auto& site = network_.values[output];
            const double forward =
                2.0 * static_cast<double>(element_count(shapes_[output]) * layer.weights_per_channel());
            weights += element_count(layer.shape);
            rows.push_back({printable(node.name), to_string(shapes_[static_cast<size_t>(node.inputs[0])]),
                            to_string(shapes_[output]), count(element_count(layer.shape)),
                            layer.codes ? std::to_string(layer.codes->grid.bits) : "float",
                            site ? std::to_string(site->grid.bits) : "float",
                            significant((learned ? timing_.flops[index] : forward) / 1e9)});
            if (learned)
                rows.back().insert(rows.back().end(), {significant(1e3 * timing_.seconds[index]),
                                                       duration(iterations() * timing_.seconds[index])});
        }
        rows.push_back(
            {plural(static_cast<int64_t>(network_.layers.size()), "unit"), "", "", count(weights), "", "", ""});
        if (learned) rows.back().insert(rows.back().end(), {"", duration(learning())});
        return rows;
    }

    double learning() const {
        return iterations() * std::accumulate(timing_.seconds.begin(), timing_.seconds.end(), 0.0);
    }

    std::string images() const {
        std::vector<std::string> parts;
        if (input_.calibration_images > 0) parts.push_back(count(input_.calibration_images) + " for calibration");
        if (input_.validation_images > 0) parts.push_back(count(input_.validation_images) + " for validation");
        const std::string size = fmt::format("{}x{} pixels", input_.height, input_.width);
        return line("images", parts.empty() ? "none; shapes are those of " + size
                                            : fmt::format("{}; {}", fmt::join(parts, ", "), size));
    }

    std::string memory() const {
        const int64_t bytes = cached_bytes(network_, shapes_, input_.calibration_images,
                                           network_.values[kImage].has_value()),
                      limit = memory_size(options_.memory, input_.device.free_memory());
        return line("memory", fmt::format("{} at most for values of all calibration images; --memory allows {}{}",
                                          size(bytes), size(limit), bytes > limit ? ": what is over is spilled" : ""));
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
        seconds += static_cast<double>(weights) * time_ranges(input_.device, weight, weights / channels);
        if (input_.sites.empty()) return seconds;
        for (const Site& site : input_.sites) values += element_count(shapes_[static_cast<size_t>(site.value)]);
        const int64_t images = std::min(input_.calibration_images, kScaleImages);
        return seconds + static_cast<double>(values * images) * time_ranges(input_.device, activation, 0);
    }

    std::string time() const {
        const double image = time_forward(input_.device, input_.network, input_.height, input_.width);
        const auto calibration = static_cast<double>(input_.calibration_images),
                   validation = static_cast<double>(input_.validation_images);
        std::vector<std::pair<std::string, double>> parts;
        if (quantises_) parts.emplace_back("ranges", ranges());
        if (!timing_.seconds.empty()) {
            parts.emplace_back("learning", learning());
            parts.emplace_back("values of the calibration images", 2.0 * calibration * image);
        }
        if (validation > 0.0) parts.emplace_back("evaluation", (quantises_ ? 2.0 : 1.0) * validation * image);
        double total = 0.0;
        std::vector<std::string> words;
        for (const auto& [what, seconds] : parts) {
            total += seconds;
            words.push_back(fmt::format("{} {}", what, duration(seconds)));
        }
        std::string text = line("time", fmt::format("about {}: {}", duration(total), fmt::join(words, ", ")));
        text += line(
            "", "from the fastest of a few tries on made-up numbers: a busy machine takes longer; images load beside");
        if (timing_.timed > 0) {
            const auto rest = static_cast<int64_t>(network_.layers.size()) - timing_.timed - timing_.like_others;
            text += line(
                "", fmt::format(
                        "iterations timed of {}{}{}", plural(timing_.timed, "layer"),
                        timing_.like_others > 0 ? fmt::format("; {} more have their shapes", timing_.like_others) : "",
                        rest > 0 ? fmt::format("; {} more by GFLOP/s", rest) : ""));
        }
        return text;
    }

    std::string files() const {
        std::vector<std::string> files;
        for (const std::string& file : {options_.save, options_.report_html, options_.report_json, options_.logits})
            if (!file.empty()) files.push_back(printable(file));
        return line("writes", files.empty() ? "nothing" : fmt::format("{}", fmt::join(files, ", ")));
    }

    const RunOptions& options_;
    const PlanInput& input_;
    Network network_;
    std::vector<Shape> shapes_;
    bool quantises_;
    UnitTiming timing_;
};

}  // namespace

std::string plan(const RunOptions& options, const PlanInput& input) { return Plan(options, input).text(); }

int64_t cached_bytes(const Network& network, const std::vector<Shape>& shapes, int64_t images, bool quantised_input) {
    const auto& nodes = network.graph.nodes;
    std::vector<int> last_reader(shapes.size(), -1);
    for (int i = 0; i < static_cast<int>(nodes.size()); ++i)
        for (ValueId input : nodes[static_cast<size_t>(i)].inputs) last_reader[static_cast<size_t>(input)] = i;
    const auto elements = [&](int value) { return element_count(shapes[static_cast<size_t>(value)]); };
    const auto pooled = [&](int value) {  // read by a max pool alone: the quantised walk keeps what is behind it
        const int reader = last_reader[static_cast<size_t>(value)];
        return reader >= 0 && nodes[static_cast<size_t>(reader)].kind == NodeKind::max_pool;
    };
    int64_t most = 0;
    for (int i = 0; i < static_cast<int>(nodes.size()); ++i) {
        // The quantised network comes behind the float one; a layer and its max pool it passes at once.
        const int behind = nodes[static_cast<size_t>(i)].kind == NodeKind::max_pool ? i - 1 : i;
        int64_t elements_kept = elements(Graph::output_of(i));
        for (ValueId value = 0; value <= i; ++value) {
            const int reader = last_reader[static_cast<size_t>(value)];
            const bool exact = reader >= i, rounded = reader >= behind && value <= behind && !pooled(value),
                       shared = value == kImage && !quantised_input;
            const int copies = (exact ? 1 : 0) + (rounded ? 1 : 0);
            elements_kept += elements(value) * (shared ? std::min(copies, 1) : copies);
        }
        most = std::max(most, elements_kept);
    }
    return most * images * static_cast<int64_t>(sizeof(float));
}

}  // namespace adaq
