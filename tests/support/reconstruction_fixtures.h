// What tools/make_reconstruction_fixtures.py has written: one unit a case, what it is given, and what the yardstick
// makes of it.
#pragma once

#include <zlib.h>

#include <cstring>
#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "engine/graph/node_kind.h"
#include "engine/program/buffers.h"
#include "engine/reconstruction/unit_trainer.h"
#include "kernels/reference/device.h"
#include "support/places.h"

namespace adaq::test {

using Json = nlohmann::json;

inline const std::vector<Json>& reconstruction_cases(const std::string& kind) {
    static const Json cases = Json::parse(std::ifstream(fixtures_folder() + "/reconstruction/cases.json"));
    return cases.at(kind).get_ref<const std::vector<Json>&>();
}

/// The numbers of a tensor of a case; small files have them in it.
inline std::vector<double> numbers(const Json& tensor) {
    if (tensor.contains("values")) return tensor["values"].get<std::vector<double>>();
    static const std::vector<double> all = [] {
        std::vector<char> bytes(1 << 23);
        gzFile file = gzopen((fixtures_folder() + "/reconstruction/values.bin.gz").c_str(), "rb");
        bytes.resize(static_cast<size_t>(gzread(file, bytes.data(), static_cast<unsigned>(bytes.size()))));
        gzclose(file);
        std::vector<double> values(bytes.size() / sizeof(double));
        std::memcpy(values.data(), bytes.data(), values.size() * sizeof(double));
        return values;
    }();
    size_t count = 1;
    for (const size_t extent : tensor.at("shape")) count *= extent;
    const auto from = all.begin() + tensor.at("at").get<std::ptrdiff_t>();
    return {from, from + static_cast<std::ptrdiff_t>(count)};
}
inline std::vector<float> floats(const Json& tensor) {
    const std::vector<double> values = numbers(tensor);
    return {values.begin(), values.end()};
}

inline Layer make_layer(const Json& given) {
    Layer layer;
    layer.name = "a layer";
    layer.shape = given["weight"]["shape"].get<Shape>();
    layer.weight = Tensor(layer.shape, floats(given["weight"]));
    if (given.contains("bits"))
        layer.codes = LayerCodes{{given["bits"], given["one_sided"]},
                                 "minmax",
                                 floats(given["scale"]),
                                 floats(given["zero_point"]),
                                 std::vector<float>(layer.weight.values.size())};
    if (given.contains("gamma"))
        layer.keep({floats(given["gamma"]), floats(given["beta"]), floats(given["mean"]), floats(given["variance"])});
    if (given.contains("factor")) layer.channel_scale = floats(given["factor"]);
    if (given.contains("shift")) layer.channel_shift = floats(given["shift"]);
    return layer;
}

/// A case's network, which is its unit alone.
inline Network make_unit(const Json& given) {
    Network network;
    for (const Json& node : given["nodes"]) {
        const std::string kind = node["kind"];
        Node made{&node_kind(kind), kind, node["inputs"]};
        made.unit = 0;
        made.stream = static_cast<uint32_t>(network.graph.nodes.size()) + 1;
        made.layer = node["layer"];
        made.activation = node["relu"] ? Activation::relu() : Activation::none();
        if (kind == "convolution") {
            const auto square = [&](const char* name, int otherwise, size_t count) {
                return std::vector<int64_t>(count, node.value(name, otherwise));
            };
            const Shape shape = given["layers"][static_cast<size_t>(made.layer)]["weight"]["shape"];
            made.attributes = {{"kernel", square("kernel", 1, 2)},
                               {"stride", square("stride", 1, 2)},
                               {"padding", square("padding", 0, 4)},
                               {"dilation", std::vector<int64_t>{1, 1}},
                               {"groups", int64_t{1}},
                               {"inputs", shape[3]},
                               {"outputs", shape[0]},
                               {"bias", int64_t{1}}};
        }
        network.graph.nodes.push_back(std::move(made));
    }
    for (const Json& layer : given["layers"]) network.layers.push_back(make_layer(layer));
    network.values.resize(network.graph.nodes.size() + 1);
    for (const Json& site : given["sites"])
        network.values[site["value"].get<ValueId>()] = QuantisedActivation{
            {site["bits"], site["one_sided"]}, "minmax", floats(site["scale"])[0], site["zero_point"]};
    return network;
}

inline UnitOptions unit_options(const Json& given) {
    const Json& settings = given["options"];
    UnitOptions o;
    o.schedule.iterations = settings["iterations"];
    o.schedule.rounding_rate = settings["rounding_rate"];
    o.schedule.scale_rate = settings["scale_rate"];
    o.schedule.cosine_scale_rate = settings["cosine"];
    o.learn_scales = true;
    o.loss = settings["loss"] == "mean" ? Reconstruction::mean : Reconstruction::channel_sum;
    o.lambda = settings["regulariser"];
    o.start = settings["start"] == "nearest" ? RoundingStart::nearest : RoundingStart::fraction;
    o.norms = settings["norms"] == "batch" ? NormStatistics::batch : NormStatistics::fixed;
    o.batch = settings["batch"];
    o.scale_gradient_factor = settings["scale_gradient_factor"];
    o.order = settings["order"].get<std::vector<std::vector<float>>>();
    return o;
}

/// ||a - b|| / ||b||.
inline double relative_norm(const std::vector<double>& a, const std::vector<double>& b) {
    REQUIRE(a.size() == b.size());
    double difference = 0.0, norm = 0.0;
    for (size_t i = 0; i < a.size(); ++i) {
        difference += (a[i] - b[i]) * (a[i] - b[i]);
        norm += b[i] * b[i];
    }
    REQUIRE(norm > 0.0);
    return std::sqrt(difference / norm);
}

/// In float64 where the device has it.
inline std::vector<double> doubles(Device& device, const Buffer& buffer) {
    if (device.name() == "reference") return reference::values_of(*buffer);
    const std::vector<float> values = get(device, *buffer);
    return {values.begin(), values.end()};
}

/// A case on a device, before its first iteration.
class UnitUnderTest {
  public:
    UnitUnderTest(Device& device, const Json& given) : device_(device), network_(make_unit(given)) {
        const UnitCaches caches{put(given["input"]), nullptr, put(given["target"])};
        Shape input = caches.input->shape(), output = caches.target->shape();
        input.erase(input.begin());
        output.erase(output.begin());
        // All of a unit's values but its input have the shape of its output.
        Indexed<Shape> shapes(network_.values.size(), output);
        shapes[kImage] = input;
        trainer_ =
            std::make_unique<UnitTrainer>(device, network_, Unit{"a unit", 0, network_.graph.node_count(), kImage, 0},
                                          unit_options(given), caches, shapes);
    }
    /// V as the case has it, which the trainer's own is to float32.
    void start(const Json& given) {
        for (const LearnedRounding& rounding : trainer().roundings()) {
            device_.upload(*rounding.v, floats(given["layers"][static_cast<size_t>(rounding.layer)]["start"]));
            rounding.round(device_);
        }
    }
    /// In float64 where the device has it.
    std::vector<double> get(const Buffer& buffer) const { return doubles(device_, buffer); }
    double loss() const { return get(trainer_->reconstruction_loss())[0]; }
    double penalty() const {
        double sum = 0.0;
        for (const LearnedRounding& rounding : trainer_->roundings()) sum += get(rounding.penalty)[0];
        return sum;
    }
    UnitTrainer& trainer() { return *trainer_; }
    /// With what was learned in it.
    const Network& frozen() {
        trainer_->freeze(network_);
        return network_;
    }

  private:
    Buffer put(const Json& tensor) {
        Buffer buffer = device_.create(tensor["shape"].get<Shape>());
        device_.upload(*buffer, floats(tensor));
        return buffer;
    }

    Device& device_;
    Network network_;
    std::unique_ptr<UnitTrainer> trainer_;
};

}  // namespace adaq::test
