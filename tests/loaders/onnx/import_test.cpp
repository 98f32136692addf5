// Float networks from ONNX files, as both of PyTorch's exporters write them (tools/make_import_fixtures.py), and as
// nobody should.
#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <nlohmann/json.hpp>

#include "engine/evaluation.h"
#include "engine/graph/node_kind.h"
#include "engine/passes/executor.h"
#include "engine/passes/fuse.h"
#include "loaders/file_bytes.h"
#include "loaders/onnx/import.h"
#include "loaders/onnx/layer_names.h"
#include "loaders/onnx/onnx.h"
#include "loaders/weights/checks.h"
#include "loaders/weights/weights.h"
#include "support/devices.h"
#include "support/mutator.h"
#include "support/places.h"
#include "support/sanitizer.h"
#include "support/temporary_folder.h"

using namespace adaq;
using namespace adaq::test;
using nlohmann::json;

namespace {

std::string import_fixture(const std::string& name) { return fixtures_folder() + "/import/" + name; }

const json& expected() {
    static const json all = json::parse(std::ifstream(import_fixture("expected.json")));
    return all;
}

/// Of the images of expected.json.
std::vector<float> logits_of(const StoredModel& model) {
    const auto device = make_device("cpu", 1);
    const int64_t side = expected()["side"];
    const std::vector<float> images = expected()["images"];
    const Network network = make_network(model, false);
    Executor executor(*device, network, 2, side, side);
    std::vector<float> logits(static_cast<size_t>(2 * classes_of(network.graph)));
    executor.run(images, logits);
    return logits;
}

void check_logits(const StoredModel& model, const char* network) {
    const std::vector<double> right = expected()["logits"][network];
    const std::vector<float> logits = logits_of(model);
    REQUIRE(logits.size() == right.size());
    double largest = 0.0, error = 0.0;
    for (size_t i = 0; i < right.size(); ++i) {
        largest = std::max(largest, std::fabs(right[i]));
        error = std::max(error, std::fabs(right[i] - logits[i]));
    }
    CHECK(error < 2e-6 * largest);
}

/// What the network is, names aside, without batch norms.
std::vector<std::string> structure(const StoredModel& model) {
    const Graph graph = without_norms(model.graph);
    std::vector<std::string> all;
    for (const Node& node : graph.nodes) {
        std::string line = describe(node) + " in unit " + std::to_string(node.unit) + " of";
        for (ValueId input : node.inputs) line += " " + std::to_string(input);
        all.push_back(line);
    }
    return all;
}

onnx::ModelProto proto_of(const std::string& name) {
    const FileBytes bytes(import_fixture(name));
    return onnx::parse(name, bytes.bytes());
}

std::string refusal_of(const onnx::ModelProto& model) {
    try {
        onnx::import_network("f.onnx", model);
    } catch (const DataError& error) {
        return error.what();
    }
    return "";
}

void set_attribute(onnx::NodeProto& node, const std::string& name, decltype(onnx::Attribute::value) value) {
    std::erase_if(node.attributes, [&](const onnx::Attribute& attribute) { return attribute.name == name; });
    node.attributes.push_back({name, std::move(value)});
}

onnx::NodeProto& node_of_kind(onnx::ModelProto& model, const std::string& kind) {
    for (onnx::NodeProto& node : model.graph.nodes)
        if (node.op_type == kind) return node;
    FAIL("no " << kind);
    return model.graph.nodes[0];
}

/// A network that reads pixels.
onnx::ModelProto pixel_network(const StoredModel& model) {
    return onnx::export_network("f.onnx", model, {OnnxTarget::any, OnnxInput::pixels}).model;
}
StoredModel with_preprocessing() {
    StoredModel model = load_weights(import_fixture("residual_traced.onnx"));
    model.preprocessing = Preprocessing{0, 24, {0.5f, 0.4f, 0.3f}, {0.25f, 0.2f, 0.3f}, Interpolation::bicubic};
    return model;
}

/// Files to damage.
std::vector<Bytes> sound_files() {
    std::vector<Bytes> files;
    for (const char* name :
         {"residual_traced.onnx", "inverted_exported.onnx", "chain_traced.onnx", "normed.onnx", "outside.onnx"}) {
        const FileBytes file(import_fixture(name));
        files.emplace_back(file.bytes().begin(), file.bytes().end());
    }
    const std::string pixels = onnx::serialise("f.onnx", pixel_network(with_preprocessing()));
    const auto bytes = std::as_bytes(std::span(pixels));
    files.emplace_back(bytes.begin(), bytes.end());
    return files;
}

/// An error in one line, or a network that can be walked.
void read_mutants(int mutants, unsigned seed) {
    Mutator mutator(seed);
    const std::vector<Bytes> files = sound_files();
    int taken = 0, refused = 0;
    for (int i = 0; i < mutants; ++i) {
        const Bytes& bytes = files[static_cast<size_t>(i) % files.size()];
        // The graph, more often than the weights behind it.
        const size_t end = i % 3 == 0 ? bytes.size() : std::min<size_t>(bytes.size(), 3000);
        try {
            const StoredModel model = read_weights("m.onnx", mutator.mutate(bytes, 0, end));
            check_model("m.onnx", model);
            (void)value_shapes(model.graph, 24, 24);
            ++taken;
        } catch (const DataError& error) {
            ++refused;
            if (std::string(error.what()).find('\n') != std::string::npos) FAIL_CHECK(error.what());
        }
    }
    CHECK(taken > 0);
    CHECK(refused > mutants / 4);
}

}  // namespace

TEST_SUITE("ONNX import: damaged files") {
    TEST_CASE("a sample of them") { read_mutants(kAddressSanitizer ? 200 : 600, 1); }
}

TEST_SUITE("slow: ONNX import") {
    TEST_CASE("thousands of damaged files" * doctest::skip()) { read_mutants(5000, 2); }
}

TEST_SUITE("ONNX import") {
    TEST_CASE("both of PyTorch's exporters: PyTorch's logits, and the same network") {
        for (const char* name : {"residual", "inverted", "chain"}) {
            INFO(std::string(name));
            const StoredModel traced = load_weights(import_fixture(std::string(name) + "_traced.onnx")),
                              exported = load_weights(import_fixture(std::string(name) + "_exported.onnx"));
            check_logits(traced, name);
            check_logits(exported, name);
            CHECK(structure(traced) == structure(exported));
        }
    }

    TEST_CASE("batch norms that were kept are norms, and give the same network without them") {
        const StoredModel normed = load_weights(import_fixture("normed.onnx"));
        CHECK(std::any_of(normed.graph.nodes.begin(), normed.graph.nodes.end(),
                          [](const Node& node) { return node.kind->name() == "batch_norm"; }));
        check_logits(normed, "residual");
        CHECK(structure(normed) == structure(load_weights(import_fixture("residual_traced.onnx"))));
    }

    TEST_CASE("units: residual blocks, linear bottlenecks, pairs of layers, stem and head apart") {
        const auto units = [](const char* name) {
            std::vector<std::string> found;
            for (const Unit& unit : load_weights(import_fixture(name)).graph.units) found.push_back(unit.name);
            return found;
        };
        CHECK(units("residual_traced.onnx") == std::vector<std::string>{"stem", "4.body", "5", "head"});
        CHECK(units("inverted_traced.onnx") == std::vector<std::string>{"stem", "3.body", "4.body", "5", "head"});
        CHECK(units("chain_traced.onnx") == std::vector<std::string>{"stem", "3", "7", "head"});
    }

    TEST_CASE("names are those of modules") {
        const auto name = [](const char* path) { return onnx::name_of_node({"Conv", path, {}, {}}); };
        CHECK(name("/layer1/layer1.0/conv1/Conv") == "layer1.0.conv1");
        CHECK(name("/features/features.1/conv/conv.0/conv.0.0/Conv") == "features.1.conv.0.0");
        CHECK(name("/Add") == "Conv");
        CHECK(name("node_relu_3") == "relu_3");
        CHECK(onnx::name_of_layer({"Conv", "/a/Conv", {}, {}}, "b.c.weight") == "b.c");
        CHECK(onnx::name_of_layer({"Conv", "/a/Conv", {}, {}}, "onnx::Conv_12") == "a");
        CHECK(onnx::common_module("a.b.c", "a.b.d") == "a.b");
        CHECK(onnx::common_module("a.b", "a.b.d") == "a.b");
        CHECK(onnx::common_module("a.bc", "a.b") == "a");
        CHECK(onnx::common_module("a", "b").empty());
    }

    TEST_CASE("weights in a file of their own are read from the model's folder, and from nowhere else") {
        check_logits(load_weights(import_fixture("outside.onnx")), "chain");
        const TemporaryFolder folder;
        const auto copy = [&](const char* from, const std::string& to) {
            std::filesystem::copy_file(import_fixture(from), folder / to);
        };
        copy("outside.onnx", "a.onnx");
        const std::string file = folder / "a.onnx";
        CHECK_THROWS_WITH_AS(load_weights(file), doctest::Contains("outside.onnx.data: No such file"), DataError);
        std::ofstream(folder / "outside.onnx.data") << "cut off";
        CHECK_THROWS_WITH_AS(load_weights(file), doctest::Contains("outside.onnx.data has 7 bytes, expected"),
                             DataError);
        std::filesystem::remove(folder / "outside.onnx.data");
        std::filesystem::create_symlink(import_fixture("outside.onnx.data"), folder / "outside.onnx.data");
        CHECK_THROWS_WITH_AS(load_weights(file), doctest::Contains("expected a file in its own folder"), DataError);
        const FileBytes bytes(file);
        CHECK_THROWS_WITH_AS(read_weights("memory", bytes.bytes()), doctest::Contains("keeps tensors in other files"),
                             DataError);
        for (const char* location : {"/etc/passwd", "../a", "", "x/../../a"}) {
            std::string text(reinterpret_cast<const char*>(bytes.bytes().data()), bytes.bytes().size());
            const std::string name = "outside.onnx.data", other = std::string(location).append(name.size(), '/');
            for (size_t at = text.find(name); at != std::string::npos; at = text.find(name, at + 1))
                text.replace(at, name.size(),
                             (std::string(location) + std::string(name.size(), '/')).substr(0, name.size()));
            std::ofstream(folder / "b.onnx", std::ios::binary) << text;
            CHECK_THROWS_AS(load_weights(folder / "b.onnx"), DataError);
        }
    }

    TEST_CASE("what adaq writes it reads: the same logits, preprocessing and classes") {
        StoredModel model = load_weights(import_fixture("residual_traced.onnx"));
        model.preprocessing = Preprocessing{};
        model.preprocessing->crop = 24;
        model.class_names = {"a", "b", "c", "d", "e"};
        const TemporaryFolder folder;
        save_onnx(folder / "m.onnx", model, {});
        const StoredModel again = load_weights(folder / "m.onnx");
        check_logits(again, "residual");
        CHECK(again.class_names == model.class_names);
        REQUIRE(again.preprocessing);
        CHECK(again.preprocessing->crop == 24);
        CHECK(structure(again) == structure(model));
        save_bin(folder / "m.bin", again);
        check_logits(load_weights(folder / "m.bin"), "residual");
    }

    TEST_CASE("a file that reads pixels is read as the network behind their normalisation, and others are refused") {
        const StoredModel model = with_preprocessing();
        onnx::ModelProto file = pixel_network(model);
        const StoredModel again = onnx::import_network("f.onnx", file).model;
        check_logits(again, "residual");
        CHECK(structure(again) == structure(model));
        CHECK(again.preprocessing == model.preprocessing);

        onnx::ModelProto unnamed = file;  // of somebody else, who has no metadata
        unnamed.metadata.clear();
        const StoredModel own = onnx::import_network("f.onnx", unnamed).model;
        REQUIRE(own.preprocessing);
        CHECK(own.preprocessing->mean == model.preprocessing->mean);
        CHECK(own.preprocessing->std == model.preprocessing->std);

        const auto refused = [&](const std::function<void(onnx::ModelProto&)>& change, const std::string& where) {
            onnx::ModelProto changed = file;
            change(changed);
            CHECK(refusal_of(changed).find("f.onnx: its input input has pixels, and of what normalises them " + where +
                                           " is another step, expected a Transpose to") == 0);
        };
        using Proto = onnx::ModelProto&;
        const auto tensor = [](Proto m, const char* name) {
            return std::find_if(m.graph.initializers.begin(), m.graph.initializers.end(),
                                [&](const onnx::TensorProto& t) { return t.name == name; });
        };
        refused([](Proto m) { node_of_kind(m, "Sub").op_type = "Add"; }, "Add (input.centred)");
        refused([](Proto m) { node_of_kind(m, "Cast").attributes.clear(); }, "Cast (input.floats)");
        refused([](Proto m) { node_of_kind(m, "Transpose").attributes.clear(); }, "Transpose (input.planes)");
        refused([](Proto m) { std::swap(node_of_kind(m, "Div").inputs[0], node_of_kind(m, "Div").inputs[1]); },
                "Div (input.unit)");
        refused([&](Proto m) { tensor(m, "input.std")->bytes.assign(12, '\0'); }, "Div (input.normalised)");
        refused([&](Proto m) { tensor(m, "input.full")->bytes.assign(4, '\0'); }, "Div (input.unit)");
        refused([&](Proto m) { tensor(m, "input.mean")->dims = {3}; }, "Sub (input.centred)");
        refused([&](Proto m) { m.graph.nodes.erase(m.graph.nodes.begin()); }, "none");
        file.graph.inputs[0].dims.pop_back();
        CHECK(refusal_of(file) ==
              "f.onnx: its input input has 3 dimensions, expected pixels [N, height, width, channels]");
    }

    TEST_CASE("all nodes that cannot be taken are told at once, with their reasons") {
        onnx::ModelProto model = proto_of("residual_traced.onnx");
        node_of_kind(model, "Relu").op_type = "Sigmoid";
        set_attribute(node_of_kind(model, "MaxPool"), "ceil_mode", int64_t{1});
        const std::string refusal = refusal_of(model);
        CHECK(refusal.find("f.onnx: 2 of its ") == 0);
        CHECK(refusal.find("Sigmoid (/2/Relu): no such operator is known") != std::string::npos);
        CHECK(
            refusal.find("MaxPool (/3/MaxPool): ceil_mode with windows that overhang a map of 12x12, expected windows "
                         "that lie in the map") != std::string::npos);
    }

    TEST_CASE("what is no such network is refused in one sentence") {
        const auto changed = [](const char* name, const auto& change) {
            onnx::ModelProto model = proto_of(name);
            change(model);
            return refusal_of(model);
        };
        using Proto = onnx::ModelProto&;
        CHECK(changed("chain_traced.onnx", [](Proto m) {
                  m.graph.inputs.push_back({"other", {}, {}});
              }) == "f.onnx: a network of 2 inputs (input, other), expected one");
        CHECK(changed("chain_traced.onnx", [](Proto m) { m.graph.outputs.clear(); }) ==
              "f.onnx: a network of 0 outputs, expected one, logits");
        CHECK(changed("chain_traced.onnx", [](Proto m) { m.graph.outputs[0].name = "/1/Relu_output_0"; }) ==
              "f.onnx: its output /1/Relu_output_0 is not the features of a last layer");
        CHECK(changed("chain_traced.onnx", [](Proto m) { m.graph.inputs[0].dims.pop_back(); }) ==
              "f.onnx: its input input has 3 dimensions, expected images [N, channels, height, width]");
        CHECK(changed("chain_traced.onnx", [](Proto m) {
                  set_attribute(node_of_kind(m, "Gemm"), "alpha", 2.0f);
              }).find("transA, alpha or beta, expected a plain layer") != std::string::npos);
        CHECK(changed("chain_traced.onnx", [](Proto m) { node_of_kind(m, "Conv").op_type = "QLinearConv"; }) ==
              "f.onnx: is quantised already (it has QLinearConv), expected a float network, or the .bin that it was "
              "made from");
        for (const char* kind : {"QuantizeLinear", "DequantizeLinear", "ConvInteger"})
            CHECK(changed("chain_traced.onnx", [&](Proto m) {
                      node_of_kind(m, "Relu").op_type = kind;
                  }).find("f.onnx: is quantised already") == 0);
    }

    TEST_CASE("two outputs, inputs of other types and graphs that are none are refused by name") {
        const auto changed = [](const auto& change) {
            onnx::ModelProto model = proto_of("chain_traced.onnx");
            change(model);
            return refusal_of(model);
        };
        using Proto = onnx::ModelProto&;
        CHECK(changed([](Proto m) {
                  m.graph.outputs.push_back({"features", {}, {}});
              }).find("f.onnx: a network of 2 outputs (") == 0);
        for (const auto& [type, name] :
             {std::pair(onnx::DataType::float16, "float16"), std::pair(onnx::DataType::bfloat16, "bfloat16"),
              std::pair(onnx::DataType::float64, "double")})
            CHECK(changed([&, type = type](Proto m) { m.graph.inputs[0].type = type; }) ==
                  "f.onnx: its input input is of " + std::string(name) +
                      ", expected float32: export the network in float32 (its weights may be stored in fewer bits)");
        CHECK(changed([](Proto m) {
                  node_of_kind(m, "Conv").inputs[0] = m.graph.outputs[0].name;
              }).find("f.onnx: its nodes cannot be ordered, for some read each other in a circle: Conv (") == 0);
        CHECK(changed([](Proto m) {
                  m.graph.nodes.push_back(node_of_kind(m, "Relu"));
              }).find("f.onnx: two nodes give ") == 0);
        CHECK(changed([](Proto m) {
                  m.graph.initializers.push_back(m.graph.initializers[0]);
              }).find("f.onnx: two tensors ") == 0);
    }

    TEST_CASE("nodes may stand in any order") {
        onnx::ModelProto model = proto_of("residual_traced.onnx");
        std::reverse(model.graph.nodes.begin(), model.graph.nodes.end());
        check_logits(onnx::import_network("f.onnx", model).model, "residual");
    }

    TEST_CASE("a Softmax at the end is left out, and said so") {
        onnx::ModelProto model = proto_of("residual_traced.onnx");
        model.graph.nodes.push_back({"Softmax", "/Softmax", {model.graph.outputs[0].name}, {"probabilities"}});
        model.graph.outputs[0].name = "probabilities";
        const onnx::Imported imported = onnx::import_network("f.onnx", model);
        CHECK(imported.notes.size() == 1);
        check_logits(imported.model, "residual");
        set_attribute(model.graph.nodes.back(), "axis", int64_t{0});
        CHECK(refusal_of(model).find("Softmax (/Softmax): axis 0, expected 1") != std::string::npos);
    }

    TEST_CASE("a Pad becomes the padding of the convolution behind it") {
        onnx::ModelProto model = proto_of("residual_traced.onnx");
        onnx::NodeProto& conv = node_of_kind(model, "Conv");
        for (onnx::Attribute& attribute : conv.attributes)
            if (attribute.name == "pads") attribute.value = std::vector<int64_t>{0, 0, 0, 0};
        const std::string image = conv.inputs[0];
        conv.inputs[0] = "padded";
        const std::vector<int64_t> pads{0, 0, 2, 2, 0, 0, 2, 2};
        model.graph.initializers.push_back(onnx::tensor("pads", std::span<const int64_t>(pads), {8}));
        model.graph.nodes.insert(model.graph.nodes.begin(), {"Pad", "/Pad", {image, "pads"}, {"padded"}});
        check_logits(onnx::import_network("f.onnx", model).model, "residual");
    }
}
