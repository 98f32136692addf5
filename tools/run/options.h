// adaq-run's command line: every option has its one declaration, default and help text in options.cpp.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "engine/nearest.h"
#include "engine/program/device.h"
#include "engine/reconstruction/recipe.h"
#include "loaders/datasets/class_names.h"

namespace adaq {

struct RunOptions {
    std::string weights;         // empty: the bundled model
    std::string checkpoint_key;  // which of a checkpoint's state dicts; empty: the usual one
    std::string calib;           // a data set, or empty
    std::string val;             // a data set, or empty
    std::string val_labels;

    int weight_bits = 4;
    int activation_bits = 8;  // 32: float
    int input_bits = 32;
    std::string method = "nearest";
    std::string scheme = "norm", activation_scheme = "norm";  // settled by the method where not given
    double p = 2.4;
    bool per_channel = true, symmetric = false, fold = false, head_stem_8bit = false, calib_augment = false;
    ActivationSites sites = ActivationSites::block;
    EdgeActivations edges = EdgeActivations::fc;

    std::map<std::string, int> layer_bits, site_bits;  // of weights, of activations, by name: where they differ

    Recipe recipe;  // of methods that learn, with what was given
    bool learns() const { return method != "nearest"; }
    bool compare_nearest = false;  // evaluate the same bits rounded to nearest too
    std::string state;             // folder of finished units, or empty
    bool resume = false;           // go on from what is in it
    std::string memory = "70%";    // for cached values: memory_size()

    std::string device = "auto";
    Math math = Math::f32;
    int threads = 0;  // once parsed, never 0
    int batch = 64;
    int64_t images = 1024;   // calibration images
    int64_t val_images = 0;  // 0: all
    uint64_t seed = 0;
    std::optional<int> resize, crop;
    std::optional<Interpolation> interpolation;
    std::vector<float> mean, std;  // of each input channel; empty: the weights file's
    std::string classes;           // a file of class names, or empty
    std::optional<ClassOrder> class_order;
    int label_offset = 0;

    std::string command;  // as it was typed
    std::string save, report_html, report_json, logits;
    bool dry_run = false;             // say what would be done, and do nothing
    bool float_only = false;          // evaluate the float network, quantise nothing
    bool bundled_data = false;        // neither --calib nor --val was given with the bundled model
    bool quantisation_asked = false;  // any option that says how to quantise was given
};

/// Parses the command line. Prints help or version and returns nothing where asked to; throws UsageError.
std::optional<RunOptions> parse_options(int argc, char** argv);

/// Every setting with its value, and what else decides the bits of a result (device, processor, threads, build), as a
/// JSON object: what the report and the saved file record. No paths, times or host names.
std::string settings_json(const RunOptions& options, const Device& device);

}  // namespace adaq
