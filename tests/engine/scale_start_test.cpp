// Where the scales of activations start, against a plain calculation of the same network: which values each site sees,
// behind which quantisers, on which images.
#include "engine/reconstruction/scale_start.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <optional>

#include "engine/graph/node_kind.h"
#include "engine/program/buffers.h"
#include "support/devices.h"
#include "support/operations.h"

using namespace adaq;
using namespace adaq::test;

namespace {

constexpr int64_t kStartImages = 6, kFirst = 4, kStartEdge = 3, kImageChannels = 2;
constexpr ValueId kStem = 1, kInner = 2, kSummand = 3, kSum = 4, kLogits = 5;

/// Pixels of so many channels.
struct Map {
    int64_t channels;
    std::vector<double> values;
};

/// A 1x1 convolution: what a layer of the network below is.
struct PlainLayer {
    int64_t inputs, outputs;
    std::vector<float> weight, bias;  // [outputs][inputs], [outputs]
};

struct PlainQuantiser {
    int bits;
    double scale, zero_point, lowest, highest;

    double operator()(double x) const {
        return (std::clamp(std::nearbyint(x / scale) + zero_point, lowest, highest) - zero_point) * scale;
    }
};
using PlainQuantisers = std::map<ValueId, PlainQuantiser>;

Map operator+(Map a, const Map& b) {
    for (size_t i = 0; i < a.values.size(); ++i) a.values[i] += b.values[i];
    return a;
}

Map relu(Map map) {
    for (double& v : map.values) v = std::max(v, 0.0);
    return map;
}

Map convolve(const PlainLayer& layer, const Map& x) {
    Map y{layer.outputs, {}};
    for (int64_t pixel = 0; pixel < std::ssize(x.values) / x.channels; ++pixel) {
        for (int64_t k = 0; k < layer.outputs; ++k) {
            double sum = layer.bias[k];
            for (int64_t c = 0; c < layer.inputs; ++c)
                sum += double{layer.weight[k * layer.inputs + c]} * x.values[pixel * x.channels + c];
            y.values.push_back(sum);
        }
    }
    return y;
}

/// minmax, as docs/arithmetic.md has it in sections 1 and 2.
PlainQuantiser quantiser_of(const Map& map, int bits) {
    const auto [least, most] = std::minmax_element(map.values.begin(), map.values.end());
    const bool one_sided = *least >= 0.0;
    const double lowest = one_sided ? 0.0 : -std::exp2(bits - 1), highest = lowest + std::exp2(bits) - 1.0;
    const double lo = std::min(*least, 0.0), scale = (std::max(*most, 0.0) - lo) / (highest - lowest);
    return {bits, scale, lowest - std::nearbyint(lo / scale), lowest, highest};
}

/// A stem, a block with an addition, and a last layer, each a unit: stem = relu(A x); inner = relu(B stem);
/// sum = relu(C inner + stem); logits = D sum.
class PlainNetwork {
  public:
    PlainNetwork() {
        Values values(11);
        for (const auto& [inputs, outputs] : std::vector<std::pair<int64_t, int64_t>>{{2, 3}, {3, 3}, {3, 3}, {3, 2}})
            layers_.push_back({inputs, outputs, values.reals(inputs * outputs), values.reals(outputs)});
    }

    /// A value as its quantiser would see it, with these quantisers before it.
    Map value(ValueId id, const Map& image, const PlainQuantisers& quantisers) const {
        const auto input = [&](ValueId read) {
            Map map = value(read, image, quantisers);
            const auto found = quantisers.find(read);
            if (found != quantisers.end())
                for (double& v : map.values) v = found->second(v);
            return map;
        };
        switch (id) {
            case kImage:
                return image;
            case kStem:
                return relu(convolve(layers_[0], input(kImage)));
            case kInner:
                return relu(convolve(layers_[1], input(kStem)));
            case kSummand:
                return convolve(layers_[2], input(kInner));
            case kSum:
                return relu(input(kSummand) + input(kStem));
            default:
                return convolve(layers_[3], input(kSum));
        }
    }

    /// The same for the engine.
    Network network() const {
        Network made;
        made.graph.input_channels = kImageChannels;
        for (const char* unit : {"stem", "block", "head"}) made.graph.units.push_back({unit});
        const auto convolution = [&](const char* name, ValueId input, int unit, int layer, Activation activation) {
            const PlainLayer& plain = layers_[layer];
            const int64_t k = plain.outputs, c = plain.inputs;
            Node node{&node_kind("convolution"), name, {input}, {}, unit};
            node.attributes = {{"inputs", c},
                               {"outputs", k},
                               {"kernel", std::vector<int64_t>{1, 1}},
                               {"stride", std::vector<int64_t>{1, 1}},
                               {"padding", std::vector<int64_t>{0, 0, 0, 0}},
                               {"dilation", std::vector<int64_t>{1, 1}},
                               {"groups", int64_t{1}},
                               {"bias", int64_t{1}}};
            node.layer = layer;
            node.activation = activation;
            made.graph.nodes.push_back(node);
            Layer engine;
            engine.name = name;
            engine.shape = {k, 1, 1, c};
            engine.weight = Tensor(engine.shape, plain.weight);
            engine.channel_shift = plain.bias;
            made.layers.push_back(engine);
        };
        convolution("a", kImage, 0, 0, Activation::relu());
        convolution("b", kStem, 1, 1, Activation::relu());
        convolution("c", kInner, 1, 2, Activation::none());
        Node sum{&node_kind("add"), "sum", {kSummand, kStem}, {}, 1};
        sum.activation = Activation::relu();
        made.graph.nodes.push_back(sum);
        convolution("d", kSum, 2, 3, Activation::none());
        find_units(made.graph);
        made.values.resize(made.graph.nodes.size() + 1);
        return made;
    }

  private:
    std::vector<PlainLayer> layers_;
};

/// The network on a device, its sites, and images of which the last are the largest.
class StartSetting {
  public:
    explicit StartSetting(const std::string& device)
        : device_(make_device(device, 2)), network_(plain_.network()), memory_(*device_, int64_t{1} << 20) {
        Values values(3);
        image_ = values.reals(kStartImages * kStartEdge * kStartEdge * kImageChannels);
        for (size_t i = image_.size() * kFirst / kStartImages; i < image_.size(); ++i) image_[i] *= 3.0f;
    }

    /// The first so many images.
    Buffer images(int64_t count) {
        const Shape shape{count, kStartEdge, kStartEdge, kImageChannels};
        return put(*device_, shape, {image_.begin(), image_.begin() + element_count(shape)});
    }
    Map plain_images(int64_t count) const {
        return {kImageChannels, {image_.begin(), image_.begin() + count * kStartEdge * kStartEdge * kImageChannels}};
    }
    ScaleStarter starter() { return {*device_, network_, sites_, {"minmax", 8, 2.4, false}}; }
    int bits(ValueId value) const {
        return std::find_if(sites_.begin(), sites_.end(), [&](const Site& site) { return site.value == value; })->bits;
    }
    /// Each site in turn, behind those before it, on the first so many images.
    PlainQuantisers expected_in_turn(int64_t images) const {
        PlainQuantisers expected;
        for (const Site& site : sites_)
            expected[site.value] = quantiser_of(plain_.value(site.value, plain_images(images), expected), site.bits);
        return expected;
    }
    void check(ValueId value, const PlainQuantiser& expected) const {
        CAPTURE(value);
        REQUIRE(network_.values[value].has_value());
        const QuantisedActivation& found = *network_.values[value];
        CHECK(found.scheme == "minmax");
        CHECK(found.grid.bits == expected.bits);
        CHECK(found.grid.one_sided == (expected.lowest == 0.0));
        CHECK(double{found.scale} == doctest::Approx(expected.scale).epsilon(1e-5));
        CHECK(double{found.zero_point} == expected.zero_point);
    }
    void check(const PlainQuantisers& expected) const {
        for (const Site& site : sites_) check(site.value, expected.at(site.value));
        CHECK_FALSE(network_.values[kSummand].has_value());  // no site
    }

    Device& device() { return *device_; }
    const PlainNetwork& plain() const { return plain_; }
    Network& network() { return network_; }
    CacheMemory& memory() { return memory_; }
    const std::vector<Site>& sites() const { return sites_; }

  private:
    std::unique_ptr<Device> device_;
    PlainNetwork plain_;
    Network network_;
    CacheMemory memory_;
    std::vector<float> image_;
    std::vector<Site> sites_{{kImage, 4}, {kStem, 3}, {kInner, 2}, {kSum, 3}, {kLogits, 4}};
};

void check_values(Device& device, const DeviceTensor& found, const Map& expected) {
    const std::vector<float> values = get(device, found);
    REQUIRE(values.size() == expected.values.size());
    for (size_t i = 0; i < values.size(); ++i)
        REQUIRE(double{values[i]} == doctest::Approx(expected.values[i]).epsilon(1e-5));
}

}  // namespace

TEST_SUITE("scale start") {
    TEST_CASE("in the quantised network each site starts behind those before it, the image's too") {
        for (const std::string& device : all_devices()) {
            CAPTURE(device);
            StartSetting setting(device);
            setting.starter().in_quantised_network(setting.images(kStartImages));
            setting.check(setting.expected_in_turn(kStartImages));
        }
    }

    TEST_CASE("in the float network a unit's sites start behind the unit's own, and behind no other") {
        for (const std::string& device : all_devices()) {
            CAPTURE(device);
            StartSetting setting(device);
            setting.starter().in_float_network(setting.plain().network(), setting.images(kStartImages));
            const Map image = setting.plain_images(kStartImages);
            const auto start = [&](ValueId value, const PlainQuantisers& before) {
                return quantiser_of(setting.plain().value(value, image, before), setting.bits(value));
            };
            PlainQuantisers block{{kInner, start(kInner, {})}};
            setting.check(kStem, start(kStem, {}));
            setting.check(kInner, block[kInner]);
            setting.check(kSum, start(kSum, block));
            setting.check(kLogits, start(kLogits, {}));
            CHECK_FALSE(setting.network().values[kImage].has_value());
            // Which the other way to start would have told apart.
            CHECK(start(kSum, block).scale != doctest::Approx(setting.expected_in_turn(kStartImages)[kSum].scale));
            CHECK(start(kLogits, {}).scale != doctest::Approx(setting.expected_in_turn(kStartImages)[kLogits].scale));
        }
    }

    TEST_CASE("in turn, a unit's sites start on the walk's first images, behind what stands in the network then") {
        for (const std::string& device : all_devices()) {
            CAPTURE(device);
            StartSetting setting(device);
            ScaleStarter starter = setting.starter();
            starter.image(*setting.images(kFirst));
            CachedWalk walk(setting.device(), setting.network(),
                            starter.quantised_image(setting.images(kStartImages), setting.memory()), setting.memory());
            for (const Unit& unit : setting.network().graph.units) {
                starter.in_turn(walk, unit.first, unit.last, kFirst);
                walk.compute(unit.first, unit.last);
            }
            setting.check(setting.expected_in_turn(kFirst));
            CHECK(setting.expected_in_turn(kFirst)[kSum].scale !=
                  doctest::Approx(setting.expected_in_turn(kStartImages)[kSum].scale));
        }
    }

    TEST_CASE("a scale that was learned meanwhile counts for the sites behind it") {
        for (const std::string& device : all_devices()) {
            CAPTURE(device);
            StartSetting setting(device);
            ScaleStarter starter = setting.starter();
            const Buffer images = setting.images(kFirst);
            starter.image(*images);
            CachedWalk walk(setting.device(), setting.network(), starter.quantised_image(images, setting.memory()),
                            setting.memory());
            const auto& units = setting.network().graph.units;
            starter.in_turn(walk, units[0].first, units[0].last, kFirst);
            setting.network().values[kStem]->scale *= 0.5f;  // clips what lies above
            walk.compute(units[0].first, units[0].last);
            starter.in_turn(walk, units[1].first, units[1].last, kFirst);
            PlainQuantisers expected = setting.expected_in_turn(kFirst);
            const PlainQuantiser unlearned = expected[kInner];
            expected[kStem].scale *= 0.5;
            expected[kInner] = quantiser_of(setting.plain().value(kInner, setting.plain_images(kFirst), expected),
                                            setting.bits(kInner));
            setting.check(kInner, expected[kInner]);
            CHECK(expected[kInner].scale != doctest::Approx(unlearned.scale));
        }
    }

    TEST_CASE("the image goes through its quantiser where it is a site, and stays as it is where it is none") {
        for (const std::string& device : all_devices()) {
            CAPTURE(device);
            StartSetting setting(device);
            const ScaleStarter starter = setting.starter();
            const Buffer images = setting.images(kStartImages);
            CHECK(starter.quantised_image(images, setting.memory()) == images);
            setting.starter().image(*images);
            Map expected = setting.plain_images(kStartImages);
            const PlainQuantiser quantiser = quantiser_of(expected, setting.bits(kImage));
            setting.check(kImage, quantiser);
            for (double& v : expected.values) v = quantiser(v);
            check_values(setting.device(), *starter.quantised_image(images, setting.memory()), expected);
        }
    }

    TEST_CASE("what is shown of a site is what its quantiser sees in the network as it is") {
        for (const std::string& device : all_devices()) {
            CAPTURE(device);
            StartSetting setting(device);
            const Buffer images = setting.images(kStartImages);
            setting.starter().in_quantised_network(images);
            const PlainQuantisers quantisers = setting.expected_in_turn(kStartImages);
            std::vector<ValueId> shown;
            setting.starter().show(images, [&](ValueId value, const DeviceTensor& values) {
                CAPTURE(value);
                shown.push_back(value);
                check_values(setting.device(), values,
                             setting.plain().value(value, setting.plain_images(kStartImages), quantisers));
            });
            CHECK(shown == std::vector<ValueId>{kImage, kStem, kInner, kSum, kLogits});
        }
    }
}
