// Families of networks recognised by their tensors: torchvision's own lists, the names of other libraries, what is
// refused.
#include <doctest/doctest.h>

#include <algorithm>
#include <set>

#include "engine/error.h"
#include "engine/graph/node_kind.h"
#include "engine/passes/fuse.h"
#include "engine/passes/sites.h"
#include "loaders/weights/network_name.h"
#include "support/family_fixtures.h"
#include "support/text.h"

using namespace adaq;
using namespace adaq::test;

namespace {

/// Multiply-adds of products for an image.
int64_t multiply_adds(const Graph& graph, int64_t size) {
    const Indexed<Shape> shapes = value_shapes(graph, size, size);
    int64_t total = 0;
    for (int i = 0; i < graph.node_count(); ++i) {
        const Node& node = graph.node(i);
        if (!node.kind->has_weight()) continue;
        const Shape weight = node.kind->parameters(node)[0].shape;
        total += element_count(shapes[Graph::output_of(i)]) * (element_count(weight) / weight[0]);
    }
    return total;
}

std::vector<std::string> unit_names(const Graph& graph) {
    std::vector<std::string> names;
    for (const Unit& unit : graph.units) names.push_back(unit.name);
    return names;
}

}  // namespace

TEST_SUITE("architectures: families") {
    TEST_CASE("every torchvision network is recognised by its tensors, and strides and groups as torchvision's does") {
        for (const FullSizeNetwork& network : full_size_networks()) {
            CAPTURE(network.name);
            const RecognisedNetwork found = recognise_network("f", network.shapes());
            check_graph(found.graph);
            CHECK(multiply_adds(found.graph, 224) == network.multiply_adds);
            CHECK(parameters_of(found.graph).size() == network.tensors.size());
            for (const auto& [name, parameter] : found.parameters) CHECK(name == parameter);
            CHECK(classes_of(found.graph) == 1000);
            CHECK_NOTHROW(fuse(found.graph));
            CHECK(found.graph.units.front().name == "stem");
            CHECK(found.graph.units.back().name == "head");
        }
    }

    TEST_CASE("families are named for people") {
        const auto described = [](const char* name) {
            return recognise_network("f", full_size_network(name).shapes()).graph.description;
        };
        CHECK(described("resnet152") == "ResNet-152 (bottleneck blocks 3-8-36-3, width 64, 1000 classes)");
        CHECK(described("resnext50_32x4d") ==
              "ResNeXt-50 (bottleneck blocks 3-4-6-3, 32 groups of 4 channels, width 64, 1000 classes)");
        CHECK(described("wide_resnet50_2") ==
              "Wide ResNet-50 (bottleneck blocks 3-4-6-3, 128 channels within, width 64, 1000 classes)");
        CHECK(described("mobilenet_v2") ==
              "MobileNetV2 (17 inverted residuals, widths 32-16-24-32-64-96-160-320-1280, 1000 classes)");
        CHECK(described("mnasnet1_0") ==
              "MNASNet (blocks 3-3-3-2-4-1, widths 32-16-24-40-80-96-192-320-1280, 1000 classes)");
        CHECK(described("regnet_x_400mf") ==
              "RegNetX (blocks 1-2-7-12, widths 32-64-160-400, groups of 16, 1000 classes)");
        CHECK(described("vgg16_bn") ==
              "VGG-16 (convolutions 2-2-3-3-3, widths 64-128-256-512-512, batch norms, 1000 classes)");
        CHECK(described("vgg11") ==
              "VGG-11 (convolutions 1-1-2-2-2, widths 64-128-256-512-512, no batch norms, 1000 classes)");
    }

    TEST_CASE("units are the stem, each residual block or pair of convolutions, and the head") {
        const auto units = [](const char* name) {
            return unit_names(recognise_network("f", full_size_network(name).shapes()).graph);
        };
        CHECK(units("resnext50_32x4d").size() == 18);
        CHECK(units("regnet_x_400mf").size() == 1 + 22 + 1);
        const std::vector<std::string> mobilenet = units("mobilenet_v2");
        REQUIRE(mobilenet.size() == 1 + 17 + 1 + 1);
        CHECK(mobilenet[1] == "features.1");
        CHECK(mobilenet[18] == "features.18");
        CHECK(units("mnasnet1_0").size() == 1 + 1 + 16 + 1 + 1);
        CHECK(units("vgg16_bn") == std::vector<std::string>{"stem", "features.3", "features.7", "features.14",
                                                            "features.20", "features.24", "features.30", "features.34",
                                                            "features.40", "classifier.0", "classifier.3", "head"});
    }

    TEST_CASE("the input is added where torchvision adds it") {
        const auto additions = [](const Shapes& shapes) {
            std::vector<std::string> names;
            for (const Node& node : recognise_network("f", shapes).graph.nodes)
                if (node.kind->name() == "add") names.push_back(node.name);
            return names;
        };
        CHECK(additions(full_size_network("mobilenet_v2").shapes()) ==
              std::vector<std::string>{"features.3", "features.5", "features.6", "features.8", "features.9",
                                       "features.10", "features.12", "features.13", "features.15", "features.16"});
        CHECK(additions(full_size_network("mnasnet1_0").shapes()).size() == 10);
        // As narrow as the stem, whose width is a multiple of 8: the first block has an addition as well.
        Shapes narrow = full_size_network("mobilenet_v2").shapes();
        for (auto& [name, shape] : narrow)
            if (name.starts_with("features.1.conv.2") || name == "features.1.conv.1.weight") shape[0] = 32;
        narrow["features.2.conv.0.0.weight"][1] = 32;
        CHECK(additions(narrow).front() == "features.1");
    }

    TEST_CASE(
        "what a layer reads is a site, a linear bottleneck's output, too, and what only an addition reads is none") {
        const auto sites = [](const char* name) {
            const Graph graph = fuse(recognise_network("f", full_size_network(name).shapes()).graph).graph;
            std::vector<std::string> names;
            SiteOptions options;
            options.bits = 4;
            for (const Site& site : activation_sites(graph, options)) names.push_back(value_name(graph, site.value));
            return names;
        };
        const std::vector<std::string> mobilenet = sites("mobilenet_v2");
        const auto has = [](const std::vector<std::string>& names, const char* name) {
            return std::find(names.begin(), names.end(), name) != names.end();
        };
        // Two a block but for the first's one, stem and last convolution, and the outputs of blocks.
        CHECK(mobilenet.size() == 2 * 17 - 1 + 2 + 17);
        CHECK(has(mobilenet, "features.1.conv.1"));
        CHECK(has(mobilenet, "features.2.conv.2"));
        CHECK_FALSE(has(mobilenet, "features.3.conv.2"));
        CHECK(has(mobilenet, "features.3"));
        CHECK(has(sites("mnasnet1_0"), "layers.6"));
        CHECK(sites("resnet18").size() == 17);
        CHECK(sites("regnet_x_400mf").size() == 1 + 3 * 22);
        CHECK(sites("vgg11_bn").size() == 8 + 2);
    }

    TEST_CASE("batch norms may be folded, of every family") {
        for (const char* name : {"resnext50_32x4d", "mobilenet_v2", "mnasnet1_0", "regnet_x_400mf", "vgg11_bn"}) {
            CAPTURE(name);
            const RecognisedNetwork whole = recognise_network("f", full_size_network(name).shapes());
            const Graph folded = without_norms(whole.graph);
            Shapes shapes;
            for (const NamedShape& parameter : parameters_of(folded)) shapes[parameter.name] = parameter.shape;
            CHECK(recognise_network("f", shapes).graph == folded);
        }
    }

    TEST_CASE("any width, number of classes, grey input, a head without a bias") {
        for (const std::string& name : SmallNetwork::names()) {
            CAPTURE(name);
            const SmallNetwork small(name);
            Shapes shapes = small.shapes();
            CHECK(classes_of(recognise_network("f", shapes).graph) == 20);
            for (const char* stem :
                 {"conv1.weight", "features.0.0.weight", "layers.0.weight", "stem.0.weight", "features.0.weight"})
                if (const auto found = shapes.find(stem); found != shapes.end()) found->second[1] = 1;
            CHECK(recognise_network("f", shapes).graph.input_channels == 1);
            for (const char* head : {"fc.bias", "classifier.1.bias", "classifier.6.bias"}) shapes.erase(head);
            const Graph graph = recognise_network("f", shapes).graph;
            CHECK(graph.nodes.back().integer("bias") == 0);
        }
    }

    TEST_CASE("windows of a ResNet widen where its name says so") {
        const Shapes shapes = full_size_network("resnet50").shapes();
        const auto last_map = [&](int stride) {
            const Graph graph = recognise_network("f", shapes, {}, {"", stride, true}).graph;
            const Indexed<Shape> values = value_shapes(graph, 224, 224);
            return values[graph.units[graph.units.count() - 2].output()][0];
        };
        CHECK(last_map(0) == 7);
        CHECK(last_map(16) == 14);
        CHECK(last_map(8) == 28);
        const Graph graph = recognise_network("f", shapes, {}, {"", 8, true}).graph;
        std::map<std::string, int64_t> dilations;
        for (const Node& node : graph.nodes)
            if (node.kind->name() == "convolution") dilations[node.name] = node.list("dilation")[0];
        CHECK(dilations["layer2.0.conv2"] == 1);
        CHECK(dilations["layer3.0.conv2"] == 1);  // as torchvision: its windows widen behind its own stride
        CHECK(dilations["layer3.1.conv2"] == 2);
        CHECK(dilations["layer4.0.conv2"] == 2);
        CHECK(dilations["layer4.2.conv2"] == 4);
        CHECK(dilations["layer4.2.conv1"] == 1);
        CHECK(mentions(graph.description, "output stride 8"));
    }

    TEST_CASE("the network whose strides and activations a state dict is given is told, unless its name is known") {
        const auto assumed = [](const char* name, const NetworkHints& hints) {
            return recognise_network("f", full_size_network(name).shapes(), {}, hints).assumed;
        };
        CHECK(assumed("resnet50", {}) == "ResNet-50");
        CHECK(assumed("resnext50_32x4d", {}) == "ResNeXt-50");
        CHECK(assumed("wide_resnet50_2", {}) == "Wide ResNet-50");
        CHECK(assumed("mobilenet_v2", {}) == "MobileNetV2");
        CHECK(assumed("mnasnet1_0", {}) == "MNASNet");
        CHECK(assumed("regnet_x_400mf", {}) == "RegNetX");
        CHECK(assumed("vgg16_bn", {}) == "VGG-16");
        CHECK(assumed("resnet50", {"resnet", 0, true}).empty());
        CHECK(assumed("resnet50", {"", 0, true}).empty());
    }

    TEST_CASE("torchvision's names hold of its own networks alone") {
        for (const FullSizeNetwork& network : full_size_networks()) {
            const RecognisedNetwork found = recognise_network("f", network.shapes());
            CHECK(network_named(network.name).family == found.family);
            for (const FullSizeNetwork& other : full_size_networks()) {
                const NamedNetwork named = network_named(other.name);
                if (named.family != found.family) continue;
                // "vgg11" does not say that there are no batch norms.
                const bool holds = other.name == network.name || other.name + "_bn" == network.name;
                CHECK_MESSAGE(contradicted(named.size, found.size).empty() == holds, network.name, " as ", other.name);
            }
        }
        CHECK(contradicted(network_named("vgg11_bn").size, {{SizeOf::layers, 11}, {SizeOf::norms, 0}}) ==
              "batch norms");
        CHECK(contradicted(network_named("resnext50_32x4d").size, {{SizeOf::layers, 50}, {SizeOf::groups, 1}}) ==
              "32 groups");
        CHECK(contradicted(network_named("regnetx_016").size, {{SizeOf::blocks, 17}}) == "18 blocks");
        CHECK(contradicted(network_named("mnasnet0_5").size, {{SizeOf::last_width, 320}}) ==
              "a last stage of 160 channels");
    }

    TEST_CASE("a family that is asked for must be the tensors'") {
        CHECK(
            recognition_error(full_size_network("resnet18").shapes(), {"vgg", 0, true}) ==
            "net.pth: has the tensors of a ResNet-18 (basic blocks 2-2-2-2, width 64, 1000 classes), expected those of "
            "a vgg");
        CHECK(recognition_error(full_size_network("mobilenet_v2").shapes(), {"mobilenet_v2", 0, true}).empty());
    }

    TEST_CASE("a missing, an unexpected and a misshapen tensor of any family are refused by name") {
        const auto refused_after = [](const char* network, const std::function<void(Shapes&)>& edit) {
            Shapes shapes = full_size_network(network).shapes();
            edit(shapes);
            return recognition_error(shapes);
        };
        CHECK(mentions(refused_after("mobilenet_v2", [](Shapes& s) { s.erase("features.5.conv.3.running_var"); }),
                       "net.pth: no features.5.conv.3.running_var, expected in MobileNetV2 (17"));
        CHECK(mentions(refused_after("mobilenet_v2", [](Shapes& s) { s.erase("features.5.conv.1.0.weight"); }),
                       "no features.5.conv.1.0.weight"));
        CHECK(mentions(refused_after("mnasnet1_0", [](Shapes& s) { s.erase("layers.10.2.layers.3.weight"); }),
                       "no layers.10.2.layers.3.weight"));
        CHECK(mentions(refused_after("mnasnet1_0",
                                     [](Shapes& s) {
                                         s["layers.10.2.layers.3.weight"] = {480, 1, 4, 4};
                                     }),
                       "layers.10.2.layers.3.weight is 4x4, expected a window of 3 or 5"));
        CHECK(mentions(refused_after("mnasnet1_0", [](Shapes& s) { s["layers.9.0.se.weight"] = {4}; }),
                       "has layers.9.0.se.weight of shape 4"));
        CHECK(mentions(
            refused_after("regnet_x_400mf", [](Shapes& s) { s["trunk_output.block3.block3-1.f.b.0.weight"][1] = 8; }),
            "expected 160x16x3x3"));
        CHECK(mentions(refused_after("regnet_x_400mf",
                                     [](Shapes& s) {
                                         s["trunk_output.block1.block1-0.f.se.fc1.weight"] = {8, 32, 1, 1};
                                     }),
                       "squeeze and excitation (trunk_output.block1.block1-0.f.se.fc1.weight)"));
        CHECK(mentions(refused_after("vgg11_bn", [](Shapes& s) { s["classifier.0.weight"][1] = 25000; }),
                       "classifier.0.weight takes 25000 inputs, expected a square map of the last convolution's 512"));
        CHECK(mentions(refused_after("vgg11_bn",
                                     [](Shapes& s) {
                                         s["features.0.weight"] = {64, 3, 11, 11};
                                     }),
                       "11x11"));
        CHECK(mentions(refused_after("vgg11", [](Shapes& s) { s["features.0.weight"][1] = 4; }), "4 input channels"));
        CHECK(mentions(refused_after("vgg16_bn",
                                     [](Shapes& s) {
                                         for (const char* index : {"24", "25"})
                                             std::erase_if(s, [&](const auto& t) {
                                                 return t.first.starts_with(std::string("features.") + index + ".");
                                             });
                                     }),
                       "features.27 stands 7 behind the convolution before it, expected 3 or, with a pool, 4"));
        CHECK(mentions(refused_after("mobilenet_v2",
                                     [](Shapes& s) {
                                         s.erase("classifier.1.weight");
                                         s.erase("classifier.1.bias");
                                     }),
                       "no classifier.1.weight and no other matrix of weights (a backbone without its last layer?), "
                       "expected a torchvision MobileNetV2"));
        CHECK(mentions(refused_after("mobilenet_v2",
                                     [](Shapes& s) {
                                         std::erase_if(
                                             s, [](const auto& t) { return t.first.starts_with("features.17."); });
                                     }),
                       "16 inverted residuals, expected the 17 of a MobileNetV2"));
        CHECK(mentions(refused_after("resnet18",
                                     [](Shapes& s) {
                                         s["layer1.0.conv2.weight"] = {64, 0, 3, 3};
                                     }),
                       "expected extents of 1 to"));
    }

    TEST_CASE("a deep stem, and networks of other families with features, are told what they are") {
        CHECK(
            mentions(recognition_error({{"conv1.0.weight", {32, 3, 3, 3}}, {"layer1.0.conv1.weight", {64, 64, 1, 1}}}),
                     "deep stem"));
        CHECK(mentions(recognition_error({{"features.denseblock1.denselayer1.conv1.weight", {128, 64, 1, 1}}}),
                       "neither a VGG nor a MobileNetV2"));
    }
}
