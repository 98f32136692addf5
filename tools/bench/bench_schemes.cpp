// See bench_schemes.h.
#include "tools/bench/bench_schemes.h"

#include <fmt/core.h>

#include <algorithm>
#include <chrono>
#include <nlohmann/json.hpp>

#include "engine/error.h"
#include "engine/program/device.h"
#include "engine/schemes/scheme.h"
#include "loaders/weights/weights.h"
#include "tools/program/streams.h"

namespace adaq {
namespace {

bool is_quantised_weight(const std::string& name, const Tensor& tensor) {
    return name.ends_with(".weight") && (tensor.shape.size() == 4 || tensor.shape.size() == 2);
}

std::vector<std::string> tensors_of(const SchemeBench& bench, const StoredModel& model) {
    for (const std::string& name : bench.tensors) {
        if (!model.tensors.contains(name)) data_error("{}: has no tensor {}", bench.weights, name);
    }
    if (!bench.tensors.empty()) return bench.tensors;
    std::vector<std::string> names;
    for (const auto& [name, tensor] : model.tensors) {
        if (is_quantised_weight(name, tensor)) names.push_back(name);
    }
    return names;
}

/// The first `channels` output channels (0: all of them).
Tensor head_of(const Tensor& tensor, int channels) {
    if (channels <= 0 || channels >= tensor.shape[0]) return tensor;
    Shape shape = tensor.shape;
    shape[0] = channels;
    return {shape, {tensor.values.begin(), tensor.values.begin() + element_count(shape)}};
}

nlohmann::json measure(Device& device, const DeviceTensor& x, const std::string& name, const SchemeOptions& options,
                       const std::string& granularity) {
    const int64_t groups = granularity == "channel" ? x.shape()[0] : 1;
    const auto start = std::chrono::steady_clock::now();
    const ChosenRange chosen = choose_range(device, x, groups, options, name);
    const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - start;
    return {{"tensor", name},
            {"shape", x.shape()},
            {"scheme", options.scheme},
            {"bits", options.bits},
            {"granularity", granularity},
            {"one_sided", chosen.grid.one_sided},
            {"scale", chosen.scale},
            {"zero_point", chosen.zero_point},
            {"score", chosen.score},
            {"seconds", elapsed.count()}};
}

}  // namespace

int bench_schemes(const SchemeBench& bench) {
    for (const std::string& granularity : bench.granularities) {
        if (granularity != "channel" && granularity != "layer") {
            usage_error("granularity '{}': expected channel or layer", granularity);
        }
    }
    const StoredModel model = load_weights(bench.weights);
    const std::unique_ptr<Device> device = make_device("cpu", bench.threads);
    for (const std::string& name : tensors_of(bench, model)) {
        const Tensor tensor = head_of(model.tensors.at(name), bench.channels);
        const Buffer x = device->create(tensor.shape);
        device->upload(*x, tensor.values);
        for (const std::string& scheme : bench.schemes.empty() ? scheme_names() : bench.schemes) {
            for (int bits : bench.bits) {
                for (const std::string& granularity : bench.granularities) {
                    const SchemeOptions options{.scheme = scheme, .bits = bits};
                    print("{}\n", measure(*device, *x, name, options, granularity).dump());
                }
            }
        }
    }
    return 0;
}

}  // namespace adaq
