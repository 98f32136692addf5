// Everything that a run knows about itself, as plain data: quantise() and evaluate() fill it, and renderers turn it
// into the table on stdout, the JSON file and the HTML page. A part that a run has not (no labels, weights only, no
// float network) is left empty and every renderer does without it. Rendering is a pure function: equal reports, equal
// bytes.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "adaq/grid.h"
#include "adaq/learning.h"
#include "adaq/statistics.h"

namespace adaq {

/// One network on the validation images.
struct Evaluation {
    int64_t images = 0;
    bool labelled = true;  // false: the counts below mean nothing
    int64_t top1 = 0;      // images whose label is the largest logit
    int64_t top5 = 0;      // ... is among the five largest
    double seconds = 0.0;  // of the whole evaluation, images loaded and all

    double images_per_second() const { return seconds > 0.0 ? static_cast<double>(images) / seconds : 0.0; }
};

/// A set of images that the run used.
struct DataSet {
    std::string description;    // "calib: 202 class folders, one image of each in turn"
    int64_t images = 0;         // that were used
    std::string preprocessing;  // "64x64 as they are; mean 0.485 0.456 0.406, std 0.229 0.224 0.225"
};

/// Bytes of everything that the network needs, before and after.
struct Sizes {
    int64_t float32 = 0;  // all parameters and running statistics, 4 bytes each
    int64_t codes = 0;    // packed integers of the quantised weights
    int64_t scales = 0;   // scales and zero points, of weights and of activations
    int64_t rest = 0;     // what stays float32: biases, batch norms, weights that were not quantised

    int64_t quantised() const { return codes + scales + rest; }
};

/// One quantised weight tensor. dB are 10 log10(signal energy / error energy), float against quantised.
struct WeightReport {
    std::string name;            // "layer1.0.conv1"
    std::vector<int64_t> shape;  // KCRS; the fully connected layer's is KC
    Grid grid;
    std::string scheme;       // "norm"
    bool per_channel = true;  // else one scale for the layer
    Spread scale;             // over the groups
    float zero_point_min = 0.0f, zero_point_max = 0.0f;
    int64_t empty_groups = 0;              // groups of range 0, which got s = 1, z = 0
    std::optional<double> weight_sqnr_db;  // empty where the float weights are not there: a saved model
    std::optional<double> output_sqnr_db;  // of the layer's output in the quantised network, on calibration images
    double clipped_share = 0.0;            // of the weights whose nearest integer lies outside the grid, 0 ... 1
    Histogram histogram;                   // of the float weights
    ScaleZero typical;                     // the scale and zero point drawn over the histogram
    int64_t typical_channel = 0;           // the channel of that (median) scale; nothing where per layer
    int64_t multiply_accumulates = 0;      // for one image
    std::optional<bool> exact_sums;  // integer sums stay below 2^24, so exact in float32; empty: float activations
};

/// One quantised activation site.
struct ActivationReport {
    std::string name;  // "layer1.0"
    Grid grid;
    std::string scheme;
    ScaleZero quantiser;
    bool observed = true;  // whether this run saw calibration images: else the rest is unknown (a saved model)
    float observed_min = 0.0f, observed_max = 0.0f;  // in the float values before quantisation
    double sqnr_db = 0.0;                            // of the site's own quantiser
    double clipped_share = 0.0;                      // of the values, 0 ... 1
    Histogram histogram;                             // of the values; may be empty

    /// The values of the lowest and highest code.
    double range_lo() const { return (static_cast<double>(grid.qmin()) - quantiser.zero_point) * quantiser.scale; }
    double range_hi() const { return (static_cast<double>(grid.qmax()) - quantiser.zero_point) * quantiser.scale; }
};

using NamedText = std::pair<std::string, std::string>;

struct Report {
    // What ran, and where.
    std::string adaq_version;          // "0.1.0"
    std::vector<NamedText> libraries;  // {"oneDNN", "2.6.3"}, {"compiler", "g++ 12.2.0"}, ...
    std::string processor;             // "AMD EPYC 9B14, AVX-512"
    std::string device;                // "cpu"
    int threads = 0;
    std::string math;  // "fp32"
    uint64_t seed = 0;
    std::string date;             // ISO 8601; may be empty
    std::string command;          // the command line; may be empty
    std::string settings = "{}";  // JSON object: every setting with its value

    // What was quantised, and how.
    std::string model_file;    // the name without its folder
    std::string architecture;  // "ResNet18: BasicBlock 2-2-2-2, width 64, 202 classes"; empty where unknown
    int64_t parameters = 0;
    std::string label;   // "W4A8"; empty where nothing was quantised
    std::string method;  // "nearest rounding, range scheme norm (p = 2.4), one scale a channel"
    std::optional<DataSet> calibration, validation;

    // What came out.
    std::optional<Evaluation> float_network, quantised_network;
    std::string execution;                      // of the quantised network: "integer", "simulated"; empty: not run
    bool evaluation_failed = false;             // there were images to evaluate on, to no avail
    std::optional<Evaluation> nearest_network;  // of methods that learn: the same bits, rounded to nearest
    std::optional<int64_t> agreement;           // validation images where both networks' first choice is the same class
    Sizes sizes;
    std::vector<std::pair<std::string, double>> seconds;  // {"load", 1.2}, {"calibrate weights", 0.8}, ..., in order
    double total_seconds = 0.0;
    std::vector<WeightReport> weights;          // in network order
    std::vector<ActivationReport> activations;  // in network order
    std::vector<UnitRecord> learning;           // of methods that learn: each unit, in the order of learning

    // Sentences for a person.
    std::vector<std::string> notes;  // warnings and what the run decided by itself
    std::vector<std::string> next;   // what to try next
};

/// The result in plain words, one to three sentences: accuracy kept, size saved, how sure that is.
std::string verdict(const Report& report);

/// A few aligned lines of UTF-8 text for a terminal or a pipe, ending in a newline.
std::string render_table(const Report& report);

/// All of it as JSON, keys in a fixed order (docs/report.md), numbers that read back as the same bits. Throws
/// std::logic_error where `settings` is not a JSON object.
std::string render_json(const Report& report);

/// One self-contained HTML page with plots: no scripts, no files or addresses beside it. Throws as render_json does.
std::string render_html(const Report& report);

}  // namespace adaq
