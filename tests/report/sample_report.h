// A report such as a W4A8 run of a ResNet leaves behind, with made-up weights: for the tests of the renderers, and to
// look at. Everything follows from the seedless generator below, so that two calls give the same report.
#pragma once

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "adaq/report.h"
#include "engine/grid.h"
#include "engine/statistics.h"
#include "engine/tensor.h"

namespace adaq::sample {

/// Numbers that look random: a linear congruential generator and the sum of four uniforms for a bell curve.
class Generator {
  public:
    double uniform() {
        state_ = state_ * 6364136223846793005ULL + 1442695040888963407ULL;
        return static_cast<double>(state_ >> 11) / 9007199254740992.0;
    }
    double bell() { return (uniform() + uniform() + uniform() + uniform() - 2.0) * std::sqrt(3.0); }

  private:
    uint64_t state_ = 2024;
};

inline WeightReport weight(Generator& random, std::string name, Shape shape, int bits, int64_t map) {
    WeightReport layer;
    layer.name = std::move(name);
    layer.shape = std::move(shape);
    layer.grid = {bits, false};
    layer.scheme = "norm";
    const int64_t fan_in = element_count(layer.shape) / layer.shape[0];
    const double deviation = 1.2 / std::sqrt(static_cast<double>(fan_in));
    std::vector<float> values(4000), quantised;
    for (float& value : values) value = static_cast<float>(deviation * random.bell() * (0.5 + 1.5 * random.uniform()));
    const auto [lo, hi] = std::minmax_element(values.begin(), values.end());
    layer.typical = scale_zero_of_range(0.8f * *lo, 0.8f * *hi, layer.grid);
    int64_t clipped = 0;
    for (float value : values) {
        quantised.push_back(
            fake_quantise(value, layer.typical.scale, layer.typical.zero_point, layer.grid.qmin(), layer.grid.qmax()));
        clipped += std::abs(quantised.back() - value) > 0.5001f * layer.typical.scale ? 1 : 0;
    }
    layer.typical_channel = layer.shape[0] / 3;
    const double scale = layer.typical.scale;
    layer.scale = {0.4 * scale, scale, 1.9 * scale};
    layer.zero_point_min = layer.typical.zero_point - 2;
    layer.zero_point_max = layer.typical.zero_point + 3;
    layer.weight_sqnr_db = sqnr_db(values, quantised);
    layer.output_sqnr_db = *layer.weight_sqnr_db - 1.0 - 5.0 * random.uniform();
    layer.clipped_share = static_cast<double>(clipped) / static_cast<double>(values.size());
    layer.histogram = histogram_of(values, 96);
    layer.multiply_accumulates = element_count(layer.shape) * map * map;
    layer.exact_sums = fan_in < 2000;
    return layer;
}

inline ActivationReport activation(Generator& random, std::string name, int bits) {
    ActivationReport site;
    site.name = std::move(name);
    site.grid = {bits, true};
    site.scheme = "norm";
    std::vector<float> values(4000), quantised;
    for (float& value : values)
        value = static_cast<float>(std::max(0.0, random.bell() * (0.5 + 2.0 * random.uniform())));
    const float highest = *std::max_element(values.begin(), values.end());
    site.observed_max = highest * static_cast<float>(1.0 + 0.6 * random.uniform());
    site.quantiser = scale_zero_of_range(0.0f, 0.95f * highest, site.grid);
    for (float value : values)
        quantised.push_back(
            fake_quantise(value, site.quantiser.scale, site.quantiser.zero_point, site.grid.qmin(), site.grid.qmax()));
    site.sqnr_db = sqnr_db(values, quantised);
    site.clipped_share = 0.0004 * random.uniform();
    site.histogram = histogram_of(values, 96);
    return site;
}

/// Every convolution and the head of a torchvision ResNet, and the sites behind its ReLUs.
inline void fill_layers(Report& report, const std::vector<int>& blocks, bool bottleneck) {
    Generator random;
    report.weights.push_back(weight(random, "conv1", {64, 3, 7, 7}, 8, 32));
    report.activations.push_back(activation(random, "conv1", 8));
    int64_t channels = 64;
    for (size_t stage = 0; stage < blocks.size(); ++stage) {
        const int64_t width = int64_t{64} << stage, out = bottleneck ? 4 * width : width, map = int64_t{16} >> stage;
        for (int block = 0; block < blocks[stage]; ++block) {
            const std::string name = "layer" + std::to_string(stage + 1) + "." + std::to_string(block);
            const auto add = [&](const std::string& part, Shape shape, bool site) {
                report.weights.push_back(weight(random, name + part, std::move(shape), 4, map));
                if (site) report.activations.push_back(activation(random, name + part, 8));
            };
            add(".conv1", {width, channels, bottleneck ? 1 : 3, bottleneck ? 1 : 3}, true);
            add(".conv2", {width, width, 3, 3}, bottleneck);
            if (bottleneck) add(".conv3", {out, width, 1, 1}, false);
            if (channels != out) add(".downsample", {out, channels, 1, 1}, false);
            report.activations.push_back(activation(random, name, 8));
            channels = out;
        }
    }
    report.weights.push_back(weight(random, "fc", {202, channels}, 8, 1));
}

/// What learning one layer's rounding and its site's scale might have looked like; no site: no scale.
inline UnitRecord unit(Generator& random, const WeightReport& layer, const ActivationReport* site) {
    UnitRecord record;
    record.name = layer.name;
    record.iterations = 20000;
    record.flops_per_iteration = 2 * 2 * 32 * layer.multiply_accumulates;
    record.seconds = static_cast<double>(record.flops_per_iteration) * 20000.0 / (6e10 + 6e10 * random.uniform());
    const double error = 1e-3 * (0.2 + random.uniform());
    for (int64_t t = 1; t <= record.iterations; t = t == 1 ? 200 : t + 200) {
        const double done = static_cast<double>(t) / static_cast<double>(record.iterations);
        const double soft = done < 0.2 ? 0.5 : 0.5 * (1.0 - done) / 0.8;
        record.curve.push_back({t,
                                error * (0.2 + std::exp(-20.0 * done) + 0.1 * done + 0.05 * random.uniform()),
                                done < 0.2 ? 0.0 : soft * static_cast<double>(element_count(layer.shape)),
                                {soft, 1.8 * soft}});
    }
    record.roundings = {{layer.name,
                         element_count(layer.shape),
                         0.05 * random.uniform(),
                         0.05 * random.uniform(),
                         {1e-4, 2e-4 * random.uniform()}}};
    if (site)
        record.scales = {{site->name, site->quantiser.scale, site->quantiser.scale * (0.8 + 0.5 * random.uniform())}};
    return record;
}

/// Layer after layer, as AdaRound learns them.
inline void fill_learning(Report& report) {
    Generator random;
    for (const WeightReport& layer : report.weights) {
        const auto site = std::find_if(report.activations.begin(), report.activations.end(),
                                       [&](const ActivationReport& a) { return a.name == layer.name; });
        report.learning.push_back(unit(random, layer, site == report.activations.end() ? nullptr : &*site));
    }
}

/// ResNet18 by default; {3, 4, 6, 3} with bottlenecks is a ResNet50 of 54 layers.
inline Report report(const std::vector<int>& blocks = {2, 2, 2, 2}, bool bottleneck = false) {
    Report r;
    r.adaq_version = "0.1.0";
    r.libraries = {{"oneDNN", "2.6.3"}, {"compiler", "g++ 12.2.0"}};
    r.processor = "AMD EPYC 9B14, AVX-512";
    r.device = "cpu";
    r.threads = 2;
    r.math = "fp32";
    r.seed = 1;
    r.date = "2026-11-23";
    r.command = "adaq-run --weights r18.bin --calib calib --val val --w4 --a8 --method adaround --head-stem-8bit";
    r.settings =
        R"({"method": "adaround", "w_bits": 4, "a_bits": 8, "scheme": "norm", "p": 2.4, "fold": false, "images": 1024})";
    r.model_file = "r18.bin";
    r.architecture = bottleneck ? "ResNet50, 202 classes" : "ResNet18, 202 classes";
    r.label = "W4A8";
    r.method = "adaround rounding, range scheme norm (p = 2.4), per channel";
    r.calibration = {"calib: 202 class folders, one image of each in turn", 1024, "64×64 as they are"};
    r.validation = {"val: 202 class folders", 5050, "64×64 as they are"};
    r.float_network = {5050, true, 2861, 4081, 6.2};
    r.quantised_network = {5050, true, 2739, 4012, 6.9};
    r.nearest_network = {5050, true, 2339, 3712, 6.8};
    r.agreement = 4301;
    fill_layers(r, blocks, bottleneck);
    fill_learning(r);
    for (const WeightReport& layer : r.weights) {
        r.parameters += element_count(layer.shape);
        r.sizes.codes += (element_count(layer.shape) * layer.grid.bits + 7) / 8;
        r.sizes.scales += 5 * layer.shape[0];
        r.sizes.rest += 16 * layer.shape[0];
    }
    r.sizes.float32 = 4 * r.parameters + r.sizes.rest;
    r.seconds = {{"load", 0.31}, {"quantise weights", 0.84}, {"reconstruct", 295.0}, {"evaluate", 13.1}};
    r.total_seconds = 309.25;
    r.notes = {"All images are 64×64, so they are used as they are, without resize or crop."};
    r.next = {"Little is lost at W4A8: try fewer bits, e.g. --w3."};
    return r;
}

}  // namespace adaq::sample
