// Whole thin networks against PyTorch and the yardstick: float logits, and every way to quantise by rounding to
// nearest.
#include <doctest/doctest.h>

#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>

#include "engine/graph/node_kind.h"
#include "engine/nearest.h"
#include "engine/passes/executor.h"
#include "loaders/weights/weights.h"
#include "support/devices.h"
#include "support/operations.h"
#include "support/places.h"

using namespace adaq;
using namespace adaq::test;

namespace {

struct Fixture {
    explicit Fixture(const std::string& name)
        : model(load_weights(fixtures_folder() + "/networks/" + name + ".bin")),
          expected(nlohmann::json::parse(std::ifstream(fixtures_folder() + "/networks/" + name + ".json"))) {
        const int64_t size = expected["image"], channels = model.graph.input_channels;
        const auto eighths = expected["images"].get<std::vector<float>>();
        images =
            Tensor({static_cast<int64_t>(eighths.size()) / (size * size * channels), size, size, channels}, eighths);
        for (float& v : images.values) v /= 8.0f;
    }
    StoredModel model;
    nlohmann::json expected;
    Tensor images;
};

std::vector<float> logits_of(Device& device, const Network& network, const Tensor& images) {
    Executor executor(device, network, images.shape[0], images.shape[1], images.shape[2]);
    std::vector<float> logits(static_cast<size_t>(executor.batch() * executor.classes()));
    executor.run(images.values, logits);
    return logits;
}

template <typename T>
T value_or(const nlohmann::json& settings, const char* key, T fallback) {
    return settings.contains(key) && !settings[key].is_null() ? settings[key].get<T>() : fallback;
}

Network quantise(Device& device, const Fixture& fixture, const nlohmann::json& s) {
    Network network = make_network(fixture.model, value_or(s, "fold", false));
    const std::string scheme = s["scheme"];
    const bool edges = value_or(s, "head_stem_8bit", false);
    quantise_weights(
        device, network,
        {{scheme, s["w"], 2.4, false}, value_or<std::string>(s, "granularity", "channel") == "channel", edges});
    SiteOptions sites;
    sites.bits = value_or(s, "a", 32);
    sites.head_stem_8bit = edges;
    if (value_or<std::string>(s, "act_sites", "block") == "layer") sites.sites = ActivationSites::layer;
    const SchemeOptions range{value_or(s, "act_scheme", scheme), 8, 2.4, false};
    start_activations(device, network, fixture.images, activation_sites(network.graph, sites), range);
    return network;
}

}  // namespace

TEST_SUITE("network") {
    TEST_CASE("float logits are PyTorch's, batch norm kept or folded, on every device") {
        for (const char* name : {"basic", "bottleneck"}) {
            const Fixture fixture(name);
            const auto expected = fixture.expected["logits"].get<std::vector<float>>();
            for (const std::string& device : all_devices()) {
                Bench bench(device);
                for (bool fold : {false, true}) {
                    INFO(name << " on " << device << ", folded " << fold);
                    CHECK(relative_error(logits_of(bench.device(), make_network(fixture.model, fold), fixture.images),
                                         expected) < 3e-6);
                }
            }
        }
    }

    TEST_CASE("nearest rounding chooses the yardstick's activation scales and gives its logits") {
        const Fixture fixture("basic");
        for (const std::string& device : all_devices()) {
            Bench bench(device);
            for (const auto& [key, configuration] : fixture.expected["configurations"].items()) {
                INFO(key << " on " << device);
                const Network network = quantise(bench.device(), fixture, configuration["settings"]);
                size_t sites = 0;
                for (ValueId v = 0; v < static_cast<ValueId>(network.values.size()); ++v) {
                    const auto& site = network.values[static_cast<size_t>(v)];
                    if (!site) continue;
                    ++sites;
                    const std::string name = value_name(network.graph, v);
                    INFO(name);
                    REQUIRE(configuration["sites"].contains(name));
                    const auto& expected = configuration["sites"][name];
                    CHECK(site->grid.bits == expected["bits"]);
                    CHECK(site->grid.one_sided == expected["one_sided"]);
                    CHECK(site->scale == doctest::Approx(expected["scale"].get<double>()).epsilon(1e-4));
                    CHECK(site->zero_point == expected["zero_point"]);
                }
                CHECK(sites == configuration["sites"].size());
                const double tolerance =
                    sites ? 2e-2 : 1e-5;  // a value on a tie may fall either way and moves by a whole scale
                CHECK(relative_error(logits_of(bench.device(), network, fixture.images),
                                     configuration["logits"].get<std::vector<float>>()) < tolerance);
            }
        }
    }

    TEST_CASE("a quantised network's logits do not depend on batch or threads, to the bit") {
        const Fixture fixture("basic");
        for (const std::string& device : devices_under_test()) {
            CAPTURE(device);
            Bench one(device, 1);
            // The input is quantised too, so that every sum runs over integers.
            Network network =
                quantise(one.device(), fixture, fixture.expected["configurations"]["w4a4 norm"]["settings"]);
            network.values[kImage] = QuantisedActivation{{8, false}, "minmax", 4.0f / 255.0f, 0.0f};
            const std::vector<float> expected = logits_of(one.device(), network, fixture.images);
            Bench two(device, 2);
            CHECK(logits_of(two.device(), network, fixture.images) == expected);
            Tensor repeated({33, fixture.images.shape[1], fixture.images.shape[2], fixture.images.shape[3]});
            for (int64_t i = 0; i < repeated.size(); ++i)
                repeated.values[static_cast<size_t>(i)] =
                    fixture.images.values[static_cast<size_t>(i % fixture.images.size())];
            const std::vector<float> many = logits_of(two.device(), network, repeated);
            for (size_t i = 0; i < many.size(); ++i) REQUIRE(many[i] == expected[i % expected.size()]);
        }
    }

    TEST_CASE("what is saved and loaded again gives the same logits, to the bit") {
        const Fixture fixture("basic");
        Bench bench("cpu");
        for (const auto& [key, configuration] : fixture.expected["configurations"].items()) {
            INFO(key);
            const Network network = quantise(bench.device(), fixture, configuration["settings"]);
            const Network again = make_network(quantised_model(network, fixture.model, "{}"), false);
            CHECK(again.folded == network.folded);
            CHECK(logits_of(bench.device(), again, fixture.images) ==
                  logits_of(bench.device(), network, fixture.images));
        }
    }

    TEST_CASE("the graph of a bottleneck network has v1.5's strides, and a shortcut where torchvision has one") {
        const Network network = make_network(Fixture("bottleneck").model, false);
        const auto find = [&](const std::string& name) -> const Node& {
            for (const Node& node : network.graph.nodes) {
                if (node.name == name) return node;
            }
            FAIL("no node " << name);
            return network.graph.nodes[0];
        };
        CHECK(convolution_window_of(find("layer2.0.conv1")).stride_h == 1);
        CHECK(convolution_window_of(find("layer2.0.conv2")).stride_h == 2);
        CHECK(convolution_window_of(find("layer2.0.downsample.0")).stride_h == 2);
        CHECK(convolution_window_of(find("layer1.0.downsample.0")).stride_h == 1);
        CHECK(find("layer1.1").inputs[1] == find("layer1.1.conv1").inputs[0]);
        CHECK(find("layer1.0.conv2").activation.is_relu());
        CHECK_FALSE(find("layer1.0.conv3").activation);
        CHECK(network.graph.units.size() == 7);
        CHECK(network.layers.size() == 21);
    }

    TEST_CASE("per-layer output SQNR falls with fewer bits and is infinite for the same network") {
        const Fixture fixture("basic");
        Bench bench("cpu");
        const Network original = make_network(fixture.model, false);
        const auto at = [&](int bits) {
            return output_sqnr(bench.device(), original,
                               quantise(bench.device(), fixture, {{"w", bits}, {"scheme", "minmax"}}), fixture.images);
        };
        const std::vector<double> eight = at(8), four = at(4);
        for (size_t i = 0; i < eight.size(); ++i) CHECK(eight[i] > four[i] + 10.0);
        for (double sqnr : output_sqnr(bench.device(), original, original, fixture.images)) CHECK(std::isinf(sqnr));
    }
}

TEST_SUITE("activation sites") {
    TEST_CASE("block sites are the outputs of ReLUs, layer sites those of layers") {
        const Network network = make_network(Fixture("basic").model, false);
        const auto names = [&](const SiteOptions& options) {
            std::vector<std::string> list;
            for (const Site& site : activation_sites(network.graph, options))
                list.push_back(value_name(network.graph, site.value) + ":" + std::to_string(site.bits));
            return list;
        };
        using List = std::vector<std::string>;
        CHECK(names({}) == List{});
        CHECK(names({ActivationSites::block, 32, 8}) == List{"input:8"});
        CHECK(names({ActivationSites::block, 4}) == List{"conv1:4", "layer1.0.conv1:4", "layer1.0:4",
                                                         "layer2.0.conv1:4", "layer2.0:4", "layer3.0.conv1:4",
                                                         "layer3.0:4", "layer4.0.conv1:4", "layer4.0:4"});
        const List layer = names({ActivationSites::layer, 4});
        CHECK(layer.size() == network.layers.size());
        CHECK(layer.back() == "fc:4");
    }

    TEST_CASE("deploy sites are all that layers and additions read, but what is added as it is computed") {
        const Network network = make_network(Fixture("basic").model, false);
        const auto names = [&](ActivationSites policy) {
            std::set<std::string> list;
            for (const Site& site : activation_sites(network.graph, {policy, 4, 8})) {
                CHECK(site.bits == (site.value == kImage ? 8 : 4));
                list.insert(value_name(network.graph, site.value));
            }
            return list;
        };
        const auto with = [](std::set<std::string> list, const std::set<std::string>& more) {
            list.insert(more.begin(), more.end());
            return list;
        };
        const std::set<std::string> block = names(ActivationSites::block);
        const std::set<std::string> shared =
            with(block, {"input", "avgpool", "layer2.0.downsample", "layer3.0.downsample", "layer4.0.downsample"});
        CHECK(names(ActivationSites::deploy_tensorrt) == shared);
        CHECK(names(ActivationSites::deploy_ort) ==
              with(shared, {"layer1.0.conv2", "layer2.0.conv2", "layer3.0.conv2", "layer4.0.conv2"}));
    }

    TEST_CASE("--head-stem-8bit gives 8 bits to the activations that --edge-acts names") {
        const Network network = make_network(Fixture("basic").model, false);
        const auto bits_of = [&](EdgeActivations edges, const std::string& name) {
            SiteOptions options{ActivationSites::block, 4, 32, true, edges};
            for (const Site& site : activation_sites(network.graph, options)) {
                if (value_name(network.graph, site.value) == name) return site.bits;
            }
            return 0;
        };
        CHECK(bits_of(EdgeActivations::fc, "conv1") == 4);
        CHECK(bits_of(EdgeActivations::fc, "layer4.0") == 8);
        CHECK(bits_of(EdgeActivations::stem, "conv1") == 8);
        CHECK(bits_of(EdgeActivations::stem, "layer4.0") == 4);
        CHECK(bits_of(EdgeActivations::both, "conv1") == 8);
        CHECK(bits_of(EdgeActivations::both, "layer4.0") == 8);
        SiteOptions deployed{ActivationSites::deploy_ort, 4, 8, true, EdgeActivations::fc};
        for (const Site& site : activation_sites(network.graph, deployed)) {
            const std::string name = value_name(network.graph, site.value);
            CHECK((site.bits == 8) == (name == "input" || name == "layer4.0" || name == "avgpool"));
        }
        CHECK(bits_of(EdgeActivations::both, "layer2.0") == 4);
    }
}
