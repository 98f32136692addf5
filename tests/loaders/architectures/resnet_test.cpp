// Recognising ResNets by their tensors (loaders/architectures/resnet.h), against torchvision's own lists of tensors.
#include "loaders/architectures/resnet.h"

#include <doctest/doctest.h>

#include <sstream>

#include "loaders/architectures/recognise.h"
#include "support/family_fixtures.h"
#include "support/text.h"
#include "support/weight_files.h"

using namespace adaq;
using namespace adaq::test;

namespace {

/// "conv1.weight 64x3x7x7" a line, in torchvision's order.
std::vector<NamedShape> torchvision_list(const std::string& fixture) {
    std::vector<NamedShape> list;
    std::istringstream lines(text_of_file(weight_fixture(fixture)));
    for (std::string name, extents; lines >> name >> extents;) {
        std::istringstream numbers(extents);
        Shape shape;
        for (std::string number; std::getline(numbers, number, 'x');) shape.push_back(std::stoll(number));
        list.push_back({name, shape});
    }
    return list;
}

Shapes torchvision_shapes(const std::string& fixture) {
    Shapes shapes;
    for (const NamedShape& tensor : torchvision_list(fixture)) shapes[tensor.name] = tensor.shape;
    return shapes;
}

/// The refusal of ResNet-18 after `edit`.
std::string refused_after(const std::function<void(Shapes&)>& edit, const std::string& net = "resnet18.shapes") {
    Shapes shapes = torchvision_shapes(net);
    edit(shapes);
    return recognition_error(shapes);
}

}  // namespace

TEST_SUITE("architectures: ResNet") {
    TEST_CASE("torchvision's ResNets are recognised") {
        const auto graph_of = [](const char* fixture) {
            return recognise_network("f", torchvision_shapes(fixture)).graph;
        };
        CHECK(graph_of("resnet18.shapes") == resnet_graph({BlockKind::basic, {2, 2, 2, 2}, 64, 1000, 3}));
        CHECK(graph_of("resnet34.shapes") == resnet_graph({BlockKind::basic, {3, 4, 6, 3}, 64, 1000, 3}));
        CHECK(graph_of("resnet50.shapes") == resnet_graph({BlockKind::bottleneck, {3, 4, 6, 3}, 64, 1000, 3}));
        CHECK_FALSE(graph_of("resnet18.shapes") == graph_of("resnet34.shapes"));
    }

    TEST_CASE("the list of tensors is torchvision's, in torchvision's order") {
        for (const char* fixture : {"resnet18.shapes", "resnet34.shapes", "resnet50.shapes"}) {
            const std::vector<NamedShape> expected = torchvision_list(fixture);
            const std::vector<NamedShape> list =
                parameters_of(recognise_network("f", torchvision_shapes(fixture)).graph);
            REQUIRE(list.size() == expected.size());
            for (size_t i = 0; i < list.size(); ++i) {
                CHECK(list[i].name == expected[i].name);
                CHECK(list[i].shape == expected[i].shape);
            }
        }
    }

    TEST_CASE("any width, depth, number of classes and grey input") {
        for (ResNet wanted :
             {ResNet{BlockKind::basic, {1}, 1, 1, 1}, ResNet{BlockKind::basic, {2, 1, 3}, 20, 7, 3},
              ResNet{BlockKind::bottleneck, {1, 2}, 12, 202, 3}, ResNet{BlockKind::basic, {1, 1, 1, 1, 1}, 8, 10, 1}})
            for (int form = 0; form < 4; ++form) {
                wanted.folded = form & 1;
                wanted.head_bias = form & 2;
                const Graph graph = resnet_graph(wanted);
                check_graph(graph);
                Shapes shapes;
                for (const NamedShape& tensor : parameters_of(graph)) shapes[tensor.name] = tensor.shape;
                CHECK(recognise_network("f", shapes).graph == graph);
            }
    }

    TEST_CASE("ResNets are named for people") {
        CHECK(describe({BlockKind::basic, {2, 2, 2, 2}, 64, 1000, 3}) ==
              "ResNet-18 (basic blocks 2-2-2-2, width 64, 1000 classes)");
        CHECK(describe({BlockKind::bottleneck, {3, 4, 6, 3}, 16, 10, 1}) ==
              "ResNet-50 (bottleneck blocks 3-4-6-3, width 16, 10 classes, grey input)");
    }

    TEST_CASE("a missing, an unexpected and a misshapen tensor are refused by name") {
        CHECK(refused_after([](Shapes& s) { s.erase("layer3.1.bn2.running_var"); }) ==
              "net.pth: no layer3.1.bn2.running_var, expected in ResNet-18 (basic blocks 2-2-2-2, width 64, 1000 "
              "classes)" +
                  other_networks());
        CHECK(mentions(refused_after([](Shapes& s) { s["layer1.0.se.weight"] = {4}; }),
                       "has layer1.0.se.weight of shape 4"));
        CHECK(mentions(refused_after([](Shapes& s) { s["layer2.0.conv2.weight"][3] = 5; }),
                       "layer2.0.conv2.weight has shape 128x128x3x5, expected 128x128x3x3"));
        CHECK(mentions(refused_after([](Shapes& s) { s["fc.bias"] = {999}; }), "fc.bias has shape 999, expected 1000"));
        CHECK(mentions(refused_after([](Shapes& s) {
                           s["fc.weight"] = {1000, 512, 1, 1};
                       }),
                       "net.pth: fc.weight has shape 1000x512x1x1, expected the matrix of a torchvision ResNet"));
        CHECK(mentions(refused_after([](Shapes& s) { s.erase("layer1.0.bn1.weight"); }),
                       "net.pth: no layer1.0.bn1.weight, expected in ResNet-18"));
        CHECK(mentions(refused_after([](Shapes& s) { s.erase("layer2.1.conv1.weight"); }), "layer2.1."));
    }

    TEST_CASE("other networks are refused by what they are") {
        CHECK(mentions(refused_after([](Shapes& s) { s["conv1.weight"] = {64, 3, 3, 3}; }), "CIFAR stem"));
        CHECK(mentions(refused_after([](Shapes& s) { s["conv1.weight"] = {64, 3, 5, 5}; }), "5x5"));
        CHECK(mentions(refused_after([](Shapes& s) { s["conv1.weight"] = {64, 4, 7, 7}; }), "4 input channels"));
        CHECK(mentions(refused_after([](Shapes& s) { s.erase("fc.weight"), s.erase("fc.bias"); }), "no fc.weight"));
        const auto grouped = [](Shapes& s) { s["layer1.0.conv2.weight"] = {64, 4, 3, 3}; };
        CHECK(mentions(refused_after(grouped),
                       "layer1.0.conv2.weight has 64 outputs but 4 inputs, expected a block of "
                       "three convolutions"));
        CHECK(mentions(refused_after(grouped, "resnet50.shapes"),
                       "layer1.1.conv2.weight has shape 64x64x3x3, expected 64x4x3x3 in ResNeXt-50"));
        const auto wide = [](Shapes& s) { s["layer1.0.conv2.weight"] = {128, 128, 3, 3}; };
        CHECK(mentions(refused_after(wide, "resnet50.shapes"), "expected 128x64x1x1 in Wide ResNet-50"));
        const auto no_shortcut = [](Shapes& s) {
            std::erase_if(s, [](const auto& t) { return t.first.starts_with("layer2.0.downsample."); });
        };
        CHECK(mentions(refused_after(no_shortcut), "no layer2.0.downsample.0.weight"));
        CHECK(mentions(recognition_error({{"conv_proj.weight", {768, 3, 16, 16}}, {"class_token", {1, 1, 768}}}),
                       "vision transformer"));
        CHECK(
            mentions(recognition_error({{"features.conv0.weight", {64, 3, 7, 7}}}), "neither a VGG nor a MobileNetV2"));
        CHECK(mentions(recognition_error({{"conv1.0.weight", {32, 3, 3, 3}}}), "deep stem"));
        CHECK(mentions(recognition_error({}), "no conv1.weight"));
    }

    TEST_CASE("a ResNet stands under any prefix, with other tensors beside it") {
        const Shapes plain = torchvision_shapes("resnet18.shapes");
        for (const char* prefix : {"encoder.", "backbone.", "net.encoder."}) {
            Shapes shapes;
            for (const auto& [name, shape] : plain) shapes[prefix + name] = shape;
            shapes["criterion.weight"] = {1000};
            const RecognisedNetwork found = recognise_network("f", shapes);
            CHECK(found.graph == recognise_network("f", plain).graph);
            CHECK(found.passed_over == std::vector<std::string>{"criterion.weight"});
            CHECK(found.parameters.size() == plain.size());
            for (const auto& [name, parameter] : found.parameters) CHECK(name == prefix + parameter);
        }
        Shapes two;
        for (const auto& [name, shape] : plain) two["student." + name] = two["teacher." + name] = shape;
        CHECK(recognition_error(two) ==
              "net.pth: ResNets under student. and teacher., expected one network: save the tensors of one alone");
        Shapes within;
        for (const auto& [name, shape] : plain) within["net." + name] = shape;
        within["net.layer1.0.se.weight"] = {4};
        CHECK(mentions(recognition_error(within), "has layer1.0.se.weight of shape 4"));
        CHECK(mentions(recognition_error(
                           {{"encoder.layers.encoder_layer_0.ln_1.weight", {768}}, {"heads.head.weight", {10, 768}}}),
                       "vision transformer"));
        CHECK_FALSE(mentions(recognition_error({{"encoder.0.weight", {4, 4}}}), "transformer"));
    }

    TEST_CASE("a layer that a tool has wrapped is told to be so, wherever it stands") {
        const auto renamed = [](const std::string& layer, const std::vector<std::string>& parts) {
            return refused_after([&](Shapes& s) {
                for (const std::string& part : parts) s[layer + part] = s[layer + ".weight"];
                s.erase(layer + ".weight");
            });
        };
        for (const char* layer :
             {"conv1", "layer1.0.conv1", "layer1.0.conv2", "layer2.1.conv1", "layer3.0.downsample.0", "fc"}) {
            CAPTURE(layer);
            const std::string is = fmt::format(": {} is ", layer);
            CHECK(mentions(renamed(layer, {".weight_orig", ".weight_mask"}), is + "pruned and not yet made permanent"));
            CHECK(
                mentions(renamed(layer, {"._module_to_wrap.weight"}), is + "wrapped to simulate quantisation (AIMET)"));
            CHECK(mentions(renamed(layer, {".weight_g", ".weight_v"}), is + "parametrised"));
            CHECK(mentions(renamed(layer, {".parametrizations.weight.original"}), is + "parametrised"));
            CHECK(mentions(renamed(layer, {".base.weight"}), is + "wrapped"));
            CHECK_FALSE(mentions(renamed(layer, {".weight_orig", ".weight_mask"}), "deep stem"));
        }
        CHECK(renamed("conv1", {".weight_orig", ".weight_mask"}) ==
              "net.pth: no conv1.weight, but conv1.weight_mask: conv1 is pruned and not yet made permanent "
              "(torch.nn.utils.prune.remove), expected a torchvision ResNet" +
                  other_networks());
    }

    TEST_CASE("the last layer may have other names, and no bias") {
        const Shapes plain = torchvision_shapes("resnet18.shapes");
        const auto with_head = [&](const std::string& name, bool bias) {
            Shapes shapes = plain;
            shapes[name + ".weight"] = shapes.extract("fc.weight").mapped();
            const Shape of_bias = shapes.extract("fc.bias").mapped();
            if (bias) shapes[name + ".bias"] = of_bias;
            return shapes;
        };
        for (const char* name : {"fc.1", "head.fc", "classifier.1", "head", "last_linear"}) {
            for (bool bias : {false, true}) {
                CAPTURE(name);
                const RecognisedNetwork found = recognise_network("f", with_head(name, bias));
                ResNet wanted{BlockKind::basic, {2, 2, 2, 2}, 64, 1000, 3};
                wanted.head_bias = bias;
                CHECK(found.graph == resnet_graph(wanted));
                CHECK(found.parameters.at(name + std::string(".weight")) == "fc.weight");
            }
        }
        CHECK(recognition_error(with_head("projection", true)) ==
              "net.pth: no fc.weight, but projection.weight of shape 1000x512, expected a torchvision ResNet" +
                  other_networks());
        Shapes two = with_head("fc.3", true);
        two["fc.0.weight"] = {512, 512};
        CHECK(recognition_error(two) ==
              "net.pth: a head of several layers (fc.0, fc.3), expected one fully connected layer" + other_networks());
        CHECK(mentions(refused_after([](Shapes& s) { s.erase("fc.weight"), s.erase("fc.bias"); }),
                       "no fc.weight and no other matrix of weights (a backbone without its last layer?)"));
    }

    TEST_CASE("names with line ends or bytes that are no UTF-8 stay on their line") {
        CHECK(mentions(recognition_error({{"a\nb\xff", {1}}}), "it begins with a\\nb\\xff"));
        CHECK(mentions(refused_after([](Shapes& s) { s["evil\x1b[2J\r\n"] = {1}; }),
                       "has evil\\x1b[2J\\r\\n of shape 1"));
    }

    TEST_CASE("extents that no network has are refused before anything is made of them") {
        CHECK_FALSE(refused_after([](Shapes& s) { s["conv1.weight"][0] = int64_t{1} << 40; }).empty());
        CHECK_FALSE(refused_after([](Shapes& s) { s["conv1.weight"][0] = 0; }).empty());
        CHECK_FALSE(refused_after([](Shapes& s) { s["fc.weight"] = {int64_t{1} << 62, 512}; }).empty());
        CHECK_FALSE(refused_after([](Shapes& s) { s["fc.weight"] = {}; }).empty());
        CHECK_FALSE(refused_after([](Shapes& s) { s["layer1.0.conv2.weight"] = {64, 0, 3, 3}; }).empty());
        Shapes many = torchvision_shapes("resnet18.shapes");
        for (int stage = 5; stage < 80; ++stage)
            many["layer" + std::to_string(stage) + ".0.conv1.weight"] = {1, 1, 3, 3};
        CHECK(mentions(recognition_error(many), "stages"));
    }
}
