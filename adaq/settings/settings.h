// Options as the engine takes them: checked, words turned into choices, and what the method decides filled in.
#pragma once

#include <map>
#include <string>

#include "adaq/options.h"
#include "engine/passes/deploy.h"
#include "engine/passes/sites.h"
#include "engine/program/device.h"
#include "engine/reconstruction/recipe.h"
#include "engine/schemes/scheme.h"

namespace adaq {

inline constexpr int64_t kScaleImages = 256;  // that nearest's scales start from (docs/arithmetic.md section 4)

struct Settings {
    std::string method;
    int weight_bits = 0, activation_bits = 0, input_bits = 0;  // 32: float
    std::string scheme, act_scheme;
    double p = 0.0;
    bool per_channel = true, symmetric = false, fold = false, head_stem_8bit = false, calib_augment = false;
    ActivationSites sites = ActivationSites::block;
    EdgeActivations edges = EdgeActivations::fc;
    Deployment deployment = Deployment::none;
    std::map<std::string, int> bits, act_bits;  // of weights, of activations, by name
    Recipe recipe;                              // of a method that learns
    int64_t images = 0;
    uint64_t seed = 0;
    bool compare_nearest = false, resume = false, accuracy_alone = false;
    std::string state, memory;

    bool learns() const { return method != "nearest"; }
    bool deployed() const { return deployment != Deployment::none; }
    /// Whether calibration images are looked at, where there are any. of_activations: some are quantised.
    bool looks_at_images(bool of_activations) const { return learns() || of_activations || !accuracy_alone; }
    SchemeOptions weight_range() const { return {scheme, weight_bits, p, symmetric}; }
    /// TensorRT knows no zero points of activations.
    SchemeOptions activation_range() const {
        return {act_scheme, activation_bits, p, deployment == Deployment::tensorrt, "act_scheme"};
    }
    SiteOptions site_options() const { return {sites, activation_bits, input_bits, head_stem_8bit, edges, act_bits}; }
};

/// Throws UsageError for a value out of its bounds, and for options that do not go together.
Settings settings_of(const QuantiseOptions& options);

/// "nearest rounding, range scheme norm (p = 2.4), one scale a channel, batch norms kept"
std::string method_sentence(const Settings& settings);

/// How many threads `threads` asks for: 0, every core.
int thread_count(int threads);
/// Throws UsageError for a word that names none.
Math math_named(const std::string& math);

/// adaq/quantise.h, on a device that is there already.
std::string settings_json(const Settings& settings, const ImageOptions& images, const DeviceOptions& options,
                          const Device& device);

}  // namespace adaq
