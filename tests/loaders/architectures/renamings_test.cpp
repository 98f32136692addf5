// The same networks under the names of other libraries, and under prefixes.
#include <doctest/doctest.h>

#include <functional>

#include "engine/error.h"
#include "support/family_fixtures.h"
#include "support/text.h"

using namespace adaq;
using namespace adaq::test;

namespace {

std::string replaced(std::string text, const std::string& from, const std::string& to) {
    for (size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size())
        text.replace(at, from.size(), to);
    return text;
}

using Rename = std::function<std::string(const std::string&)>;

/// The graph of a torchvision network whose tensors are called otherwise is the same, and each has its parameter.
void check_renamed(const std::string& network, const Rename& other_name, const Shapes& beside = {}) {
    CAPTURE(network);
    const Shapes plain = full_size_network(network).shapes();
    Shapes shapes = beside;
    for (const auto& [name, shape] : plain) shapes[other_name(name)] = shape;
    CHECK(shapes.size() == plain.size() + beside.size());
    const RecognisedNetwork found = recognise_network("f", shapes), expected = recognise_network("f", plain);
    CHECK(found.graph == expected.graph);
    CHECK(found.family == expected.family);
    CHECK(found.passed_over.size() == beside.size());
    for (const auto& tensor : plain) {
        const std::string& name = tensor.first;
        CAPTURE(name);
        REQUIRE(found.parameters.contains(other_name(name)));
        CHECK(found.parameters.at(other_name(name)) == name);
    }
}

// ---- names of other libraries, from torchvision's

std::string hugging_face(const std::string& name) {
    if (name.starts_with("fc.")) return "classifier.1." + name.substr(3);
    std::string text = name.starts_with("layer") ? "" : "embedder.embedder.";
    std::string rest = name;
    if (name.starts_with("layer")) {
        const int stage = name[5] - '1';
        rest = name.substr(7);
        text = "encoder.stages." + std::to_string(stage) + ".layers." + rest.substr(0, rest.find('.') + 1);
        rest = rest.substr(rest.find('.') + 1);
        if (!rest.starts_with("downsample"))
            text += std::string("layer.") + static_cast<char>(rest[rest.find('.') - 1] - 1) + ".";
    }
    rest = replaced(replaced(rest, "downsample.0", "shortcut.convolution"), "downsample.1", "shortcut.normalization");
    for (const char* digit : {"1", "2", "3"})
        rest = replaced(replaced(rest, std::string("conv") + digit, "convolution"), std::string("bn") + digit,
                        "normalization");
    return "resnet." + text + rest;
}

/// "trunk_output.block2.block2-5.f.a.1.bias": 2, 6, "f.a.1.bias".
struct RegNetName {
    explicit RegNetName(const std::string& name)
        : stage(name.substr(18, 1)),
          block(std::to_string(std::stoi(name.substr(name.find('-') + 1)) + 1)),
          rest(name.substr(name.find('.', name.find('-')) + 1)) {}
    std::string stage, block, rest;
};

std::string pycls(const std::string& name) {
    if (name.starts_with("fc.")) return "head." + name;
    if (name.starts_with("stem.")) return replaced(replaced(name, "stem.0", "stem.conv"), "stem.1", "stem.bn");
    RegNetName parts(name);
    for (const char* letter : {"f.a", "f.b", "f.c"}) {
        parts.rest = replaced(parts.rest, std::string(letter) + ".0", letter);
        parts.rest = replaced(parts.rest, std::string(letter) + ".1", std::string(letter) + "_bn");
    }
    parts.rest = replaced(replaced(parts.rest, "proj.0", "proj"), "proj.1", "bn");
    return "s" + parts.stage + ".b" + parts.block + "." + parts.rest;
}

std::string timm_regnet(const std::string& name) {
    if (!name.starts_with("trunk")) return pycls(name);
    RegNetName parts(name);
    const char* const numbers[] = {"conv1", "conv2", "conv3"};
    for (int i = 0; i < 3; ++i) {
        const std::string letter = std::string("f.") + static_cast<char>('a' + i);
        parts.rest = replaced(parts.rest, letter + ".0", numbers[i] + std::string(".conv"));
        parts.rest = replaced(parts.rest, letter + ".1", numbers[i] + std::string(".bn"));
    }
    parts.rest = replaced(replaced(parts.rest, "proj.0", "downsample.conv"), "proj.1", "downsample.bn");
    return "s" + parts.stage + ".b" + parts.block + "." + parts.rest;
}

/// Where torchvision's block i stands among stages of so many.
std::string timm_block(int index, const std::vector<int>& repeats) {
    int stage = 0;
    for (; index >= repeats[static_cast<size_t>(stage)]; ++stage) index -= repeats[static_cast<size_t>(stage)];
    return "blocks." + std::to_string(stage) + "." + std::to_string(index) + ".";
}

std::string timm_mobilenet_v2(const std::string& name) {
    if (name.starts_with("classifier.1")) return replaced(name, "classifier.1", "classifier");
    const std::string rest = name.substr(9);
    const int index = std::stoi(rest);
    const std::string layer = rest.substr(rest.find('.') + 1);
    if (index == 0) return replaced(replaced("^" + layer, "^0", "conv_stem"), "^1", "bn1");
    if (index == 18) return replaced(replaced("^" + layer, "^0", "conv_head"), "^1", "bn2");
    const bool plain = index == 1;
    std::string inside = layer.substr(5);
    const std::vector<std::pair<const char*, const char*>> names =
        plain ? std::vector<std::pair<const char*, const char*>>{{"^0.0", "conv_dw"},
                                                                 {"^0.1", "bn1"},
                                                                 {"^1", "conv_pw"},
                                                                 {"^2", "bn2"}}
              : std::vector<std::pair<const char*, const char*>>{{"^0.0", "conv_pw"}, {"^0.1", "bn1"},
                                                                 {"^1.0", "conv_dw"}, {"^1.1", "bn2"},
                                                                 {"^2", "conv_pwl"},  {"^3", "bn3"}};
    inside = "^" + inside;
    for (const auto& [from, to] : names) inside = replaced(inside, from, to);
    return timm_block(index - 1, {1, 2, 3, 4, 3, 3, 1}) + inside;
}

std::string flat_mobilenet_v2(const std::string& name) {
    const size_t conv = name.find(".conv.");
    if (conv == std::string::npos) return name;
    const bool plain = name.starts_with("features.1.");
    std::string inside = "^" + name.substr(conv + 6);
    using Names = std::vector<std::pair<const char*, const char*>>;
    const Names names =
        plain ? Names{{"^0.0", "0"}, {"^0.1", "1"}, {"^1.", "3."}, {"^2.", "4."}}
              : Names{{"^0.0", "0"}, {"^0.1", "1"}, {"^1.0", "3"}, {"^1.1", "4"}, {"^2.", "6."}, {"^3.", "7."}};
    for (const auto& [from, to] : names) inside = replaced(inside, from, to);
    return name.substr(0, conv + 6) + inside;
}

std::string timm_mnasnet(const std::string& name) {
    static const std::map<std::string, std::string> kOutside{
        {"layers.0", "conv_stem"},          {"layers.1", "bn1"},
        {"layers.3", "blocks.0.0.conv_dw"}, {"layers.4", "blocks.0.0.bn1"},
        {"layers.6", "blocks.0.0.conv_pw"}, {"layers.7", "blocks.0.0.bn2"},
        {"layers.14", "conv_head"},         {"layers.15", "bn2"},
        {"classifier.1", "classifier"}};
    static const std::map<std::string, std::string> kLayers{{"0", "conv_pw"}, {"1", "bn1"},      {"3", "conv_dw"},
                                                            {"4", "bn2"},     {"6", "conv_pwl"}, {"7", "bn3"}};
    const size_t last = name.rfind('.');
    if (const auto found = kOutside.find(name.substr(0, last)); found != kOutside.end())
        return found->second + name.substr(last);
    const int stage = std::stoi(name.substr(7)) - 7;
    const std::string rest = name.substr(name.find('.', 7) + 1), block = rest.substr(0, rest.find('.'));
    const std::string layer = name.substr(name.rfind('.', last - 1) + 1, last - name.rfind('.', last - 1) - 1);
    return "blocks." + std::to_string(stage) + "." + block + "." + kLayers.at(layer) + name.substr(last);
}

}  // namespace

TEST_SUITE("architectures: names") {
    TEST_CASE("names of other libraries are renamed") {
        for (const char* name : {"resnet18", "resnet50", "resnet101"}) check_renamed(name, hugging_face);
        const auto mmpretrain = [](const std::string& name) {
            return (name.starts_with("fc.") ? "head." : "backbone.") + name;
        };
        for (const char* name : {"resnet34", "resnext50_32x4d"})
            check_renamed(name, mmpretrain, {{"data_preprocessor.mean", {3}}});
        for (const char* name : {"regnet_x_400mf", "regnet_x_3_2gf"}) {
            check_renamed(name, pycls);
            check_renamed(name, timm_regnet);
        }
        check_renamed("mobilenet_v2", timm_mobilenet_v2);
        check_renamed("mobilenet_v2", flat_mobilenet_v2);
        const auto with_outer_conv = [](const std::string& name) {
            const std::string flat = flat_mobilenet_v2(name);
            return flat.starts_with("features.18.") ? "conv." + flat.substr(12)
                                                    : replaced(flat, "classifier.1", "classifier");
        };
        check_renamed("mobilenet_v2", with_outer_conv);
        for (const char* name : {"mnasnet0_5", "mnasnet1_0"}) check_renamed(name, timm_mnasnet);
    }

    TEST_CASE("families stand under a prefix, with other tensors beside them") {
        for (const char* name : {"mobilenet_v2", "mnasnet0_75", "regnet_x_800mf", "vgg13_bn", "wide_resnet50_2"}) {
            check_renamed(name, [](const std::string& tensor) { return "net.encoder." + tensor; },
                          {{"criterion.weight", {1000}}});
            const Shapes plain = full_size_network(name).shapes();
            Shapes two;
            for (const auto& [tensor, shape] : plain) two["student." + tensor] = two["teacher." + tensor] = shape;
            CHECK(mentions(recognition_error(two), "under student. and teacher., expected one network"));
        }
    }

    TEST_CASE("timm's blocks of other networks are refused") {
        Shapes shapes;
        for (const auto& [name, shape] : full_size_network("mnasnet1_0").shapes()) shapes[timm_mnasnet(name)] = shape;
        for (auto& [name, shape] : shapes)
            if (name.starts_with("blocks.3.") && name.ends_with("conv_dw.weight")) shape[2] = shape[3] = 3;
        CHECK(mentions(recognition_error(shapes), "in neither MobileNetV2's nor MNASNet's seven stages"));
    }

    TEST_CASE("two names of one tensor are refused") {
        Shapes shapes;
        for (const auto& [name, shape] : full_size_network("resnet18").shapes()) shapes[hugging_face(name)] = shape;
        shapes["resnet.bn1.weight"] = {64};
        CHECK(mentions(recognition_error(shapes), "are one tensor by their names"));
    }
}
