// Networks as ONNX. The fixtures' bytes are what adaq writes, and what onnxruntime computed on them, with all
// optimisations off, is what adaq computes (tools/make_onnx_fixtures.py).
#include <doctest/doctest.h>

#include <cmath>
#include <set>

#include "engine/graph/node_kind.h"
#include "engine/passes/executor.h"
#include "loaders/images/normalise.h"
#include "support/devices.h"
#include "support/onnx_files.h"
#include "support/operations.h"
#include "support/temporary_folder.h"

using namespace adaq;
using namespace adaq::test;
using namespace adaq::onnx;
using nlohmann::json;

namespace {

StoredModel model_of(const std::string& fixture) { return load_weights(onnx_fixture(fixture)); }

GraphProto graph_of(const StoredModel& model, const OnnxOptions& options = {}) {
    return export_network("q.onnx", model, options).model.graph;
}

std::string refusal_of(const StoredModel& model, const OnnxOptions& options) {
    try {
        (void)export_network("q.onnx", model, options);
        return "";
    } catch (const DataError& error) {
        return error.what();
    }
}

QuantisedWeight& weight_of(StoredModel& model, const std::string& layer) {
    return model.quantisation->weights.at(layer + ".weight");
}

std::vector<int> codes_of(const GraphProto& graph, const std::string& layer) {
    std::vector<int> codes;
    for (const int8_t code : values_of<int8_t>(*find_initializer(graph, layer + ".weight.codes")))
        codes.push_back(code);
    return codes;
}

/// The codes of every site around its zero point, and the logits, as adaq evaluates the network.
struct Evaluated {
    std::map<std::string, std::vector<int>> codes;
    std::vector<float> logits;
};

Evaluated evaluate(const std::string& device, const StoredModel& model, const json& expected) {
    Bench bench(device);
    const Network network = make_network(model, false);
    const int64_t side = expected["side"];
    Image image;
    image.height = 2 * static_cast<int>(side);  // both, one above the other
    image.width = static_cast<int>(side);
    image.channels = 3;
    image.pixels = expected["pixels"].get<std::vector<uint8_t>>();
    std::vector<float> images(image.pixels.size());
    Normaliser(*model.preprocessing, 3).run(image, images.data());
    const Indexed<Shape> shapes = value_shapes(network.graph, side, side);
    std::map<ValueId, StoredValue> bound;
    bound[kImage] = {bench.put({2, side, side, 3}, images), 1.0f};
    const ValueId last = network.graph.node_count();
    for (ValueId v = 1; v <= last; ++v)
        if (v == last || network.values[static_cast<size_t>(v)])
            bound[v] = {bench.device().create(stacked(2, shapes[static_cast<size_t>(v)])), 1.0f};
    Segment(bench.device(), network, 0, network.graph.node_count(), bound, KeptValues::quantised, shapes).run();
    Evaluated evaluated{{}, bench.get(bound[last].buffer)};
    for (ValueId v = 1; v <= last; ++v) {
        const auto& site = network.values[static_cast<size_t>(v)];
        if (!site) continue;
        std::vector<int>& codes = evaluated.codes[value_name(network.graph, v)];
        for (const float value : bench.get(bound[v].buffer))
            codes.push_back(static_cast<int>(std::lround(value / site->scale)));
    }
    return evaluated;
}

}  // namespace

TEST_SUITE("onnx: export") {
    TEST_CASE("each target's file is the fixture's") {
        const auto same = [](const std::string& network, const std::string& fixture, const OnnxOptions& options) {
            INFO(fixture);
            const std::string path = onnx_fixture(fixture);
            ModelProto expected = parse(path, bytes_of_file(path));
            const ModelProto made = export_network("q.onnx", model_of(network), options).model;
            expected.producer_version = made.producer_version;
            CHECK(made == expected);
        };
        same("block.bin", "any.onnx", {});
        same("block.bin", "ort.onnx", {OnnxTarget::ort});
        same("block.bin", "openvino.onnx", {OnnxTarget::openvino});
        same("block.bin", "packed.onnx", {OnnxTarget::ort, OnnxInput::floats, true});
        same("block.bin", "u8.onnx", {OnnxTarget::any, OnnxInput::pixels});
        same("signed.bin", "tensorrt.onnx", {OnnxTarget::tensorrt});
        same("deployed.bin", "deployed.onnx", {OnnxTarget::ort});
    }

    TEST_CASE("adaq's codes and logits are those that onnxruntime computes on the files") {
        const json expected = json::parse(text_of_file(onnx_fixture("expected.json")));
        for (const char* network : {"block", "signed", "deployed"}) {
            for (const std::string& device : all_devices()) {
                INFO(network << " on " << device);
                const Evaluated evaluated = evaluate(device, model_of(std::string(network) + ".bin"), expected);
                size_t sites = 0;
                for (const auto& entry : expected[network]["codes"].items()) {
                    const std::string& site = entry.key();
                    if (site == "input") continue;  // quantised within the stem's program
                    INFO(site);
                    ++sites;
                    CHECK(evaluated.codes.at(site) == entry.value().get<std::vector<int>>());
                }
                CHECK(sites == (std::string(network) == "deployed" ? 9 : 5));
                CHECK(relative_error(evaluated.logits, expected[network]["logits"].get<std::vector<float>>()) < 1e-6);
            }
        }
    }

    TEST_CASE("a float network has no quantisers, and its batch norms are in its weights") {
        const StoredModel model = load_weights(weight_fixture("basic.pth"));
        const GraphProto graph = graph_of(model);
        CHECK(count_of(graph, "QuantizeLinear") + count_of(graph, "DequantizeLinear") == 0);
        CHECK(count_of(graph, "Conv") == 6);
        CHECK(count_of(graph, "BatchNormalization") == 0);
        const Network network = make_network(model, true);
        const std::vector<float> weight = values_of<float>(*find_initializer(graph, "conv1.weight"));
        CHECK(weight[0] == network.layers[0].weight.values[0]);
        CHECK(values_of<float>(*find_initializer(graph, "conv1.bias")) == network.layers[0].channel_shift);
        CHECK(graph.outputs[0].name == "logits");
    }

    TEST_CASE("a negative batch norm turns a channel's codes over, one of 0 leaves none") {
        StoredModel model = model_of("signed.bin");
        const GraphProto before = graph_of(model);
        std::vector<float>& gamma = model.tensors.at("layer1.0.bn2.weight").values;
        gamma[0] = -gamma[0];
        gamma[1] = 0.0f;
        const GraphProto after = graph_of(model);
        const std::string layer = "layer1.0.conv2";
        std::vector<int> expected = codes_of(before, layer);
        for (size_t i = 0; i < expected.size(); ++i) expected[i] = i < expected.size() / 2 ? -expected[i] : 0;
        CHECK(codes_of(after, layer) == expected);
        const auto scales = [&](const GraphProto& graph) {
            return values_of<float>(*find_initializer(graph, layer + ".weight.scale"));
        };
        CHECK(scales(after) == std::vector<float>{scales(before)[0], 1.0f});
    }

    TEST_CASE("codes that are no int8 get a zero point, or are refused where the runtime multiplies without") {
        StoredModel model = model_of("block.bin");
        QuantisedWeight& weight = weight_of(model, "layer1.0.conv1");
        weight.grid.bits = 8;
        weight.zero_point = {100.0f, -3.0f};
        std::fill(weight.codes.begin(), weight.codes.end(), int16_t{-60});
        const GraphProto graph = graph_of(model);
        CHECK(values_of<int8_t>(*find_initializer(graph, "layer1.0.conv1.weight.zero_point")) ==
              std::vector<int8_t>{-101, -3});  // the first channel's batch norm is negative: -1 - 100
        CHECK(codes_of(graph, "layer1.0.conv1").front() == 59);
        CHECK(codes_of(graph, "layer1.0.conv1").back() == -60);
        const std::string said =
            "q.onnx: channel 0 of layer1.0.conv1 has codes of 0 to 160 around its zero point, expected -128 to 127, "
            "which is what {} multiplies: 8-bit weights with zero point 0 that leave out -128 (adaq-run --deploy), or "
            "at most 7 bits";
        CHECK(refusal_of(model, {OnnxTarget::ort}) == fmt::format(fmt::runtime(said), "onnxruntime"));
        CHECK(refusal_of(model, {OnnxTarget::openvino}) == fmt::format(fmt::runtime(said), "OpenVINO"));

        // One zero point for all channels is what onnxruntime knows, too; where the input is float it knows all.
        model.tensors.at("layer1.0.bn1.weight").values[0] = 1.0f;
        weight.zero_point = {100.0f, 100.0f};
        CHECK(refusal_of(model, {OnnxTarget::ort}).empty());
        weight.zero_point = {100.0f, -3.0f};
        model.quantisation->activations.erase("conv1");
        CHECK(refusal_of(model, {OnnxTarget::ort}).empty());
        CHECK(refusal_of(model, {OnnxTarget::openvino}).empty());
    }

    TEST_CASE("-128 has no opposite: a negative batch norm needs a zero point for it") {
        StoredModel model = model_of("block.bin");
        QuantisedWeight& weight = weight_of(model, "layer1.0.conv1");
        weight.grid.bits = 8;
        weight.zero_point = {0.0f, 0.0f};
        std::fill(weight.codes.begin(), weight.codes.end(), int16_t{-128});
        CHECK(refusal_of(model, {OnnxTarget::openvino})
                  .starts_with("q.onnx: channel 0 of layer1.0.conv1 has codes of 0 to 128 around its zero point"));
        CHECK(codes_of(graph_of(model), "layer1.0.conv1").front() == 127);  // (127 - -1) s = 128 s
        weight.codes[0] = 127;
        std::fill(weight.codes.begin() + 1, weight.codes.begin() + static_cast<std::ptrdiff_t>(weight.codes.size()) / 2,
                  int16_t{-127});
        CHECK(codes_of(graph_of(model, {OnnxTarget::openvino}), "layer1.0.conv1")[1] == 127);
    }

    TEST_CASE("activations of less than 8 bits are bounded: before the quantiser, or behind it for onnxruntime") {
        const StoredModel model = model_of("block.bin");  // layer2.0 has 3 bits
        const GraphProto any = graph_of(model), ort = graph_of(model, {OnnxTarget::ort});
        const float scale = model.quantisation->activations.at("layer2.0").scale;
        const NodeProto* clip = maker_of(any, "layer2.0");
        REQUIRE(clip);
        CHECK(clip->op_type == "Clip");
        CHECK(values_of<float>(*find_initializer(any, clip->inputs[1])) == std::vector<float>{0.0f});
        CHECK(values_of<float>(*find_initializer(any, clip->inputs[2])) == std::vector<float>{7.0f * scale});
        CHECK(maker_of(any, "layer2.0.codes")->op_type == "QuantizeLinear");
        CHECK(maker_of(ort, "layer2.0")->op_type == "Relu");
        const NodeProto* least = maker_of(ort, "layer2.0.codes");
        REQUIRE(least);
        CHECK(least->op_type == "Min");
        CHECK(values_of<uint8_t>(*find_initializer(ort, least->inputs[1])) == std::vector<uint8_t>{7});
        CHECK(count_of(ort, "Min") == 2);
    }

    TEST_CASE("two-sided activations are unsigned codes with a zero point in the middle, but for TensorRT") {
        StoredModel model = model_of("signed.bin");
        model.quantisation->activations["input"] = {{6, false}, "minmax", 0.125f, 0.0f};
        const GraphProto any = graph_of(model), tensorrt = graph_of(model, {OnnxTarget::tensorrt});
        CHECK(*find_initializer(any, "input.zero_point") ==
              integers("input.zero_point", DataType::uint8, std::vector<int32_t>{32}, {}));
        CHECK(*find_initializer(tensorrt, "input.zero_point") ==
              integers("input.zero_point", DataType::int8, std::vector<int32_t>{0}, {}));
        const auto bounds = [](const GraphProto& graph) {
            std::vector<float> values;
            for (const char* bound : {"input.lowest", "input.highest_value"}) {
                const TensorProto* tensor = find_initializer(graph, bound);
                if (tensor) values.push_back(values_of<float>(*tensor)[0]);
            }
            return values;
        };
        CHECK(bounds(any) == std::vector<float>{31.0f * 0.125f});  // below 0 codes saturate by themselves
        CHECK(bounds(tensorrt) == std::vector<float>{-32.0f * 0.125f, 31.0f * 0.125f});
    }

    TEST_CASE("what TensorRT has no type for is refused, with what it has") {
        const StoredModel model = model_of("block.bin");
        CHECK(refusal_of(model, {OnnxTarget::tensorrt}) ==
              "q.onnx: the activation input has zero point -26, expected 0, which is all that TensorRT knows (adaq-run "
              "--deploy tensorrt --a7)");
        StoredModel wide = model_of("signed.bin");
        wide.quantisation->activations.at("layer1.0").grid.bits = 8;
        CHECK(refusal_of(wide, {OnnxTarget::tensorrt}) ==
              "q.onnx: the activation layer1.0 has 8 bits without a sign, expected at most 7, which fit the int8 of "
              "TensorRT (adaq-run --deploy tensorrt --a7)");
    }

    TEST_CASE("a refusal for TensorRT asks for 7 bits where any activation needs that, not the refused one alone") {
        StoredModel model = model_of("block.bin");
        const std::string zero_point =
            "q.onnx: the activation input has zero point -26, expected 0, which is all that TensorRT knows (adaq-run "
            "--deploy tensorrt";
        CHECK(refusal_of(model, {OnnxTarget::tensorrt}) == zero_point + " --a7)");
        for (auto& [name, site] : model.quantisation->activations)
            if (site.grid.one_sided) site.grid.bits = std::min(site.grid.bits, 7);
        CHECK(refusal_of(model, {OnnxTarget::tensorrt}) == zero_point + ")");
    }

    TEST_CASE("biases on the grid of their sums are integers for onnxruntime, all others floats") {
        StoredModel model = model_of("signed.bin");
        const std::string layer = "layer1.0.conv2";
        const GraphProto before = graph_of(model, {OnnxTarget::ort});
        CHECK(find_initializer(before, layer + ".bias")->type == DataType::float32);
        // The batch norm's shift becomes 5 and -700 steps of input scale times weight scale.
        const float input = model.quantisation->activations.at("layer1.0.conv1").scale;
        const Network network = make_network(model, false);
        const Layer* found = nullptr;
        for (const Layer& each : network.layers)
            if (each.name == layer) found = &each;
        REQUIRE(found);
        std::vector<float>& beta = model.tensors.at("layer1.0.bn2.bias").values;
        std::fill(model.tensors.at("layer1.0.bn2.running_mean").values.begin(),
                  model.tensors.at("layer1.0.bn2.running_mean").values.end(), 0.0f);
        const std::vector<int32_t> steps{5, -700};
        for (size_t k = 0; k < 2; ++k)
            beta[k] = static_cast<float>(steps[k] * static_cast<double>(input) * found->codes->scale[k] *
                                         std::abs(static_cast<double>(found->channel_scale[k])));
        const GraphProto after = graph_of(model, {OnnxTarget::ort});
        CHECK(values_of<int32_t>(*find_initializer(after, layer + ".bias.codes")) == steps);
        CHECK(maker_of(after, layer + ".bias")->op_type == "DequantizeLinear");
        CHECK(find_initializer(graph_of(model, {OnnxTarget::openvino}), layer + ".bias")->type == DataType::float32);
        beta[1] *= 1.0001f;
        CHECK(find_initializer(graph_of(model, {OnnxTarget::ort}), layer + ".bias")->type == DataType::float32);
    }

    TEST_CASE("a network made for onnxruntime has the integers of its biases in the file") {
        StoredModel model = model_of("deployed.bin");
        QuantisedBias& bias = model.quantisation->biases.at("layer1.0.conv1.bias");
        bias.codes[0] = (1 << 24) + 1;  // no float32
        model.tensors.at("layer1.0.conv1.bias") = bias.values();
        const GraphProto graph = graph_of(model, {OnnxTarget::ort});
        for (const auto& [name, each] : model.quantisation->biases) {
            CHECK(values_of<int32_t>(*find_initializer(graph, name + ".codes")) == each.codes);
            CHECK(values_of<float>(*find_initializer(graph, name + ".scale")) == each.scale);
        }
        const GraphProto other = graph_of(model, {OnnxTarget::openvino});
        CHECK(find_initializer(other, "layer1.0.conv1.bias")->type == DataType::float32);
    }

    TEST_CASE("a ReLU6 is a Clip, and for onnxruntime a ReLU with a bound of codes, so that it multiplies integers") {
        StoredModel model = model_of("deployed.bin");
        QuantisedActivation& site = model.quantisation->activations.at("conv1");
        const float scale = site.scale;
        const auto clamped_at = [&](double highest) {
            for (Node& node : model.graph.nodes)
                if (node.kind->name() == "activation" && node.name == "relu") node.attributes["highest"] = highest;
            return graph_of(model, {OnnxTarget::ort});
        };
        const GraphProto graph = clamped_at(10.4 * scale);
        CHECK(count_of(graph, "Clip") == 0);
        CHECK(maker_of(graph, "conv1")->op_type == "Relu");
        CHECK(maker_of(graph, "conv1.codes")->op_type == "Min");
        CHECK(values_of<uint8_t>(*find_initializer(graph, "conv1.highest")) == std::vector<uint8_t>{10});
        CHECK(maker_of(clamped_at(1000.0 * scale), "conv1.codes")->op_type == "QuantizeLinear");
        CHECK(maker_of(graph_of(model, {OnnxTarget::openvino}), "conv1")->op_type == "Clip");
    }

    TEST_CASE("biases that onnxruntime would round are added by themselves, but where it multiplies integers") {
        const StoredModel model = model_of("block.bin");
        const auto added = [&](OnnxTarget target) {
            std::vector<std::string> layers;
            for (const NodeProto& node : graph_of(model, {target}).nodes)
                if (node.name.ends_with(".add_bias"))
                    layers.push_back(node.name.substr(0, node.name.find(".add_bias")));
            return layers;
        };
        CHECK(added(OnnxTarget::any) == std::vector<std::string>{"conv1", "layer1.0.conv1", "layer1.0.conv2",
                                                                 "layer2.0.conv1", "layer2.0.conv2",
                                                                 "layer2.0.downsample.0"});  // fc's input is float
        CHECK(added(OnnxTarget::ort) ==
              std::vector<std::string>{"layer1.0.conv2", "layer2.0.conv2", "layer2.0.downsample.0"});
        CHECK(added(OnnxTarget::openvino).empty());
    }

    TEST_CASE("packed weights are as narrow as the runtime takes them, and int8 before they are multiplied") {
        const StoredModel model = model_of("block.bin");
        const auto type = [&](OnnxTarget target, const std::string& layer) {
            return find_initializer(graph_of(model, {target, OnnxInput::floats, true}), layer + ".weight.packed")->type;
        };
        CHECK(type(OnnxTarget::ort, "layer2.0.conv1") == DataType::int2);
        CHECK(type(OnnxTarget::openvino, "layer2.0.conv1") == DataType::int4);
        CHECK(type(OnnxTarget::any, "layer1.0.conv2") == DataType::int4);
        const auto versions = [&](const OnnxOptions& options) {
            const ModelProto made = export_network("q.onnx", model, options).model;
            return std::pair(made.ir_version, made.operator_sets[0].version);
        };
        CHECK(versions({}) == std::pair<int64_t, int64_t>(8, 17));
        CHECK(versions({OnnxTarget::any, OnnxInput::floats, true}) == std::pair<int64_t, int64_t>(10, 21));
        CHECK(versions({OnnxTarget::ort, OnnxInput::floats, true}) == std::pair<int64_t, int64_t>(13, 25));
        const GraphProto graph = graph_of(model, {OnnxTarget::ort, OnnxInput::floats, true});
        CHECK(maker_of(graph, "layer1.0.conv2.weight.codes")->op_type == "Cast");
        CHECK(find_initializer(graph, "layer1.0.conv2.weight.zero_point")->type == DataType::int8);
    }

    TEST_CASE("the batch has no fixed size, and neither has the image where no crop says it") {
        StoredModel model = model_of("signed.bin");
        CHECK(graph_of(model).inputs[0].dims == std::vector<Dimension>{"batch", int64_t{3}, "height", "width"});
        model.preprocessing->crop = 24;
        CHECK(graph_of(model).inputs[0].dims == std::vector<Dimension>{"batch", int64_t{3}, int64_t{24}, int64_t{24}});
        const GraphProto pixels = graph_of(model, {OnnxTarget::any, OnnxInput::pixels});
        CHECK(pixels.inputs[0].type == DataType::uint8);
        CHECK(pixels.inputs[0].dims == std::vector<Dimension>{"batch", int64_t{24}, int64_t{24}, int64_t{3}});
        CHECK(pixels.outputs[0].dims == std::vector<Dimension>{"batch", int64_t{3}});
        model.preprocessing.reset();
        CHECK(refusal_of(model, {OnnxTarget::any, OnnxInput::pixels}) ==
              "q.onnx: pixels are to be normalised within, but the model does not say by which means and standard "
              "deviations (adaq-convert --mean --std)");
    }

    TEST_CASE("preprocessing, class names, settings and target are metadata") {
        StoredModel model = model_of("signed.bin");
        model.class_names = {"shoe", "straße", "\"hat\""};
        std::map<std::string, std::string> metadata;
        for (const auto& [key, value] : export_network("q.onnx", model, {OnnxTarget::ort}).model.metadata)
            metadata[key] = value;
        CHECK(json::parse(metadata.at("adaq.classes"))["classes"] == model.class_names);
        CHECK(json::parse(metadata.at("adaq.preprocessing"))["std"][1] == 0.2);
        CHECK(json::parse(metadata.at("adaq.settings"))["weight_bits"] == 4);
        CHECK(metadata.at("adaq.target") == "ort");
        CHECK(metadata.size() == 4);
    }

    TEST_CASE("a layer called like a tensor of adaq's own keeps its name, or gets a number behind it") {
        StoredModel model = load_weights(weight_fixture("basic.pth"));
        for (Node& node : model.graph.nodes) {
            if (node.name == "layer1.0.conv1") node.name = "logits";
            if (node.name == "layer1.0.bn1") node.name = "input";
        }
        for (const char* part : {".weight", ".bias", ".running_mean", ".running_var"}) {
            if (model.tensors.count(std::string("layer1.0.bn1") + part))
                model.tensors[std::string("input") + part] = model.tensors.at(std::string("layer1.0.bn1") + part);
        }
        model.tensors["logits.weight"] = model.tensors.at("layer1.0.conv1.weight");
        const GraphProto graph = graph_of(model);
        CHECK(graph.nodes.back().outputs[0] == "logits");
        std::set<std::string> names{"input"};
        for (const NodeProto& node : graph.nodes) CHECK(names.insert(node.outputs[0]).second);
        CHECK(find_initializer(graph, "logits.weight") != nullptr);
    }

    TEST_CASE("AIMET's encodings give every code of a float file's weights") {
        const StoredModel model = model_of("block.bin");
        const OnnxOptions options{OnnxTarget::any, OnnxInput::floats, false, true};
        const Exported exported = export_network("q.onnx", model, options);
        const GraphProto& graph = exported.model.graph;
        CHECK(count_of(graph, "QuantizeLinear") == 0);
        const json encodings = json::parse(aimet_encodings(model, exported));
        CHECK(encodings["version"] == "1.0.0");
        CHECK(encodings["activation_encodings"].size() == 6);
        CHECK(encodings["param_encodings"].size() == 7);
        for (const json& entry : encodings["param_encodings"]) {
            const std::string name = entry["name"];
            INFO(name);
            const std::vector<float> values = values_of<float>(*find_initializer(graph, name));
            const size_t channels = entry["scale"].size(), count = values.size() / channels;
            const int most = (1 << entry["bw"].get<int>()) - 1;
            CHECK(entry["enc_type"] == (channels > 1 ? "PER_CHANNEL" : "PER_TENSOR"));
            size_t off = 0;
            for (size_t i = 0; i < values.size(); ++i) {
                const double code =
                    values[i] / entry["scale"][i / count].get<double>() - entry["offset"][i / count].get<double>();
                off += std::abs(code - std::round(code)) > 1e-3 || std::round(code) < 0 || std::round(code) > most;
            }
            CHECK(off == 0);
        }
        const json& input = encodings["activation_encodings"][0];
        CHECK(input == json{{"name", "input"},
                            {"bw", 8},
                            {"dtype", "INT"},
                            {"enc_type", "PER_TENSOR"},
                            {"is_sym", false},
                            {"scale", input["scale"]},
                            {"offset", {-102}}});
    }

    TEST_CASE("AIMET's encodings name the tensors that have the grids, which quantisers read in a file that has them") {
        StoredModel model = model_of("block.bin");
        const auto named = [&](OnnxInput input) {
            const Exported exported = export_network("q.onnx", model, {OnnxTarget::any, input, false, true});
            const json encodings = json::parse(aimet_encodings(model, exported));
            std::vector<std::string> names;
            for (const json& entry : encodings["activation_encodings"]) names.push_back(entry["name"]);
            return names;
        };
        const auto quantised = [&](OnnxInput input) {
            const GraphProto graph = graph_of(model, {OnnxTarget::any, input});
            std::vector<std::string> names;
            for (const NodeProto& node : graph.nodes) {
                if (node.op_type != "QuantizeLinear") continue;
                const NodeProto* maker = maker_of(graph, node.inputs[0]);
                if (maker && maker->op_type == "MaxPool") continue;  // on the grid of what it reads
                names.push_back(node.inputs[0]);
            }
            return names;
        };
        CHECK(named(OnnxInput::floats).front() == "input");
        CHECK(named(OnnxInput::floats) == quantised(OnnxInput::floats));
        CHECK(named(OnnxInput::pixels).front() == "input.normalised");
        CHECK(named(OnnxInput::pixels) == quantised(OnnxInput::pixels));

        // The value of a layer called like a tensor of adaq's own gets a number behind its name.
        for (Node& node : model.graph.nodes)
            if (node.name == "layer1.0.conv1") node.name = "logits";
        auto site = model.quantisation->activations.extract("layer1.0.conv1");
        site.key() = "logits";
        model.quantisation->activations.insert(std::move(site));
        auto weight = model.quantisation->weights.extract("layer1.0.conv1.weight");
        weight.key() = "logits.weight";
        model.quantisation->weights.insert(std::move(weight));
        const std::vector<std::string> names = named(OnnxInput::floats);
        CHECK(std::count(names.begin(), names.end(), "logits.2") == 1);
        CHECK(names == quantised(OnnxInput::floats));
    }

    TEST_CASE("what is written is whole or not there") {
        const TemporaryFolder folder;
        const StoredModel model = model_of("block.bin");
        CHECK(save_onnx(folder / "q.onnx", model, {}).empty());
        CHECK(folder.count() == 1);
        const std::string bytes = text_of_file(folder / "q.onnx");
        CHECK_THROWS_AS(save_onnx(folder / "q.onnx", model, {OnnxTarget::tensorrt}), DataError);
        CHECK(text_of_file(folder / "q.onnx") == bytes);
        CHECK_THROWS_AS(save_onnx(folder / "t.onnx", model, {OnnxTarget::tensorrt}), DataError);
        save_onnx(folder / "f.onnx", model, {OnnxTarget::any, OnnxInput::floats, false, true});
        CHECK(std::filesystem::exists(folder / "f.encodings.json"));
        CHECK(folder.count() == 3);
        CHECK_THROWS_AS(save_onnx(folder / "g.onnx", load_weights(weight_fixture("basic.pth")),
                                  {OnnxTarget::any, OnnxInput::floats, false, true}),
                        DataError);
        CHECK(folder.count() == 3);
    }

    TEST_CASE("a note tells where no weight can be packed") {
        StoredModel model = model_of("block.bin");
        const std::string note = "There is nothing to pack: no weights of at most 4 bits are written as codes.";
        const auto told = [&](OnnxTarget target, bool pack) {
            const std::vector<std::string> notes =
                export_network("q.onnx", model, {target, OnnxInput::floats, pack}).notes;
            return std::count(notes.begin(), notes.end(), note) == 1;
        };
        for (const OnnxTarget target : {OnnxTarget::any, OnnxTarget::ort, OnnxTarget::openvino})
            CHECK_FALSE(told(target, true));
        for (auto& [name, weight] : model.quantisation->weights) {
            weight.grid.bits = 8;
            weight.codes.front() = 100;
        }
        for (const OnnxTarget target : {OnnxTarget::any, OnnxTarget::ort, OnnxTarget::openvino}) {
            CHECK(told(target, true));
            CHECK_FALSE(told(target, false));
        }
    }

    TEST_CASE("notes tell what a runtime computes in float, rounds, or may saturate") {
        const StoredModel model = model_of("block.bin");
        const auto notes = [&](OnnxTarget target) { return export_network("q.onnx", model, {target}).notes; };
        CHECK(notes(OnnxTarget::any).empty());
        CHECK(notes(OnnxTarget::openvino).empty());
        CHECK(notes(OnnxTarget::ort) ==
              std::vector<std::string>{
                  "onnxruntime computes 3 of 6 convolutions (layer1.0.conv2, layer2.0.conv2, layer2.0.downsample.0) in "
                  "float: it multiplies integers where input and output are quantised.",
                  "onnxruntime rounds the biases of 3 of 6 convolutions (conv1, layer1.0.conv1, layer2.0.conv1) to "
                  "multiples of input scale times weight scale."});
        StoredModel wide = model;
        QuantisedWeight& weight = weight_of(wide, "layer2.0.conv1");
        weight.grid.bits = 8;
        std::fill(weight.zero_point.begin(), weight.zero_point.end(), 0.0f);
        std::fill(weight.codes.begin(), weight.codes.end(), int16_t{65});
        const std::vector<std::string> said = export_network("q.onnx", wide, {OnnxTarget::ort}).notes;
        CHECK(said.back() ==
              "On x86 processors without VNNI the sums of 1 of 6 convolutions (layer2.0.conv1) can saturate; "
              "activations and input of at most 7 bits, or weights of at most 6, avoid that, and so does "
              "session.x64quantprecision=1.");
        std::fill(weight.codes.begin(), weight.codes.end(), int16_t{64});
        CHECK(export_network("q.onnx", wide, {OnnxTarget::openvino}).notes.empty());
    }
}
