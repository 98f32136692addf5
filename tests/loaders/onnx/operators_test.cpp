// Operators of ONNX graphs, made by hand: which of their forms are taken, as what, and how others are refused.
#include <doctest/doctest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <optional>

#include "engine/error.h"
#include "engine/graph/node_kind.h"
#include "loaders/onnx/import.h"
#include "support/text.h"

using namespace adaq;
using namespace adaq::test;

namespace {

constexpr int64_t kMade = 16;  // channels, rows and columns of the map, and classes

onnx::TensorProto floats(const std::string& name, const Shape& dims, float first = 0.5f) {
    std::vector<float> values(static_cast<size_t>(element_count(dims)));
    for (size_t i = 0; i < values.size(); ++i) values[i] = first + static_cast<float>(i);
    return onnx::tensor(name, std::span<const float>(values), dims);
}
onnx::TensorProto whole(const std::string& name, const std::vector<int64_t>& values) {
    return onnx::tensor(name, std::span<const int64_t>(values), {std::ssize(values)});
}

/// Conv (no bias), Relu, GlobalAveragePool, Flatten, Gemm (no bias).
onnx::ModelProto made_network() {
    onnx::ModelProto model;
    onnx::GraphProto& graph = model.graph;
    graph.inputs = {{"x", onnx::DataType::float32, {std::string("N"), int64_t{3}, kMade, kMade}}};
    graph.outputs = {{"y", onnx::DataType::float32, {std::string("N"), kMade}}};
    graph.initializers = {floats("conv.weight", {kMade, 3, 3, 3}), floats("fc.weight", {kMade, kMade})};
    graph.nodes = {{"Conv", "/conv/Conv", {"x", "conv.weight"}, {"c"}, {{"pads", std::vector<int64_t>{1, 1, 1, 1}}}},
                   {"Relu", "/relu/Relu", {"c"}, {"r"}},
                   {"GlobalAveragePool", "/pool/GlobalAveragePool", {"r"}, {"p"}},
                   {"Flatten", "/flatten/Flatten", {"p"}, {"f"}},
                   {"Gemm", "/fc/Gemm", {"f", "fc.weight"}, {"y"}, {{"transB", int64_t{1}}}}};
    return model;
}

/// Puts a node between the one that gives `value` and those that read it.
onnx::NodeProto& insert_behind(onnx::ModelProto& model, const std::string& value, onnx::NodeProto node) {
    std::vector<onnx::NodeProto>& nodes = model.graph.nodes;
    for (onnx::NodeProto& reader : nodes) std::replace(reader.inputs.begin(), reader.inputs.end(), value, value + "+");
    const auto maker =
        std::find_if(nodes.begin(), nodes.end(), [&](const onnx::NodeProto& n) { return n.outputs[0] == value; });
    node.outputs = {value + "+"};
    return *nodes.insert(maker + 1, std::move(node));
}

StoredModel taken(const onnx::ModelProto& model) { return onnx::import_network("f.onnx", model).model; }
/// What is said against it; "" if it is taken.
std::string refused(const onnx::ModelProto& model) {
    try {
        taken(model);
    } catch (const DataError& error) {
        return error.what();
    }
    return "";
}

onnx::ModelProto with_constant_added(const std::string& value, const Shape& shape, bool first = false) {
    onnx::ModelProto model = made_network();
    model.graph.initializers.push_back(floats("k", shape));
    onnx::NodeProto add{"Add", "/Add", {value, "k"}, {}};
    if (first) std::swap(add.inputs[0], add.inputs[1]);
    insert_behind(model, value, add);
    return model;
}
std::vector<float> counted(size_t count, float step = 1.0f) {
    std::vector<float> values(count);
    for (size_t i = 0; i < count; ++i) values[i] = 0.5f + static_cast<float>(i) * step;
    return values;
}

}  // namespace

TEST_SUITE("ONNX import: operators") {
    TEST_CASE("a constant is a bias where it is broadcast over all but the channels") {
        for (const Shape& shape : {Shape{kMade, 1, 1}, Shape{1, kMade, 1, 1}})
            for (const bool first : {false, true})
                CHECK(taken(with_constant_added("c", shape, first)).tensors.at("conv.bias").values == counted(kMade));
        for (const Shape& shape : {Shape{}, Shape{1}, Shape{1, 1}, Shape{1, 1, 1}, Shape{1, 1, 1, 1}})
            CHECK(taken(with_constant_added("c", shape)).tensors.at("conv.bias").values == counted(kMade, 0.0f));
        onnx::ModelProto product = made_network();
        product.graph.nodes[4] = {"MatMul", "/fc/MatMul", {"f", "fc.weight"}, {"z"}};
        product.graph.initializers.push_back(floats("k", {}));
        product.graph.nodes.push_back({"Add", "/fc/Add", {"z", "k"}, {"y"}});
        for (const Shape& shape : {Shape{kMade}, Shape{1, kMade}, Shape{}, Shape{1, 1}}) {
            product.graph.initializers.back() = floats("k", shape);
            CHECK(taken(product).tensors.at("fc.bias").values ==
                  counted(kMade, element_count(shape) == kMade ? 1.0f : 0.0f));
        }
        product.graph.initializers.back() = floats("k", {kMade, 1});
        CHECK(mentions(refused(product),
                       "Add (/fc/Add): adds a constant of shape 16x1, expected 16, 1x16 or one "
                       "value: a bias of the layer's 16 channels"));
    }

    TEST_CASE("a constant along rows or columns is no bias, whatever its length") {
        for (const Shape& shape : {Shape{kMade}, Shape{kMade, 1}, Shape{1, kMade}, Shape{1, 1, kMade, 1},
                                   Shape{1, 1, 1, kMade}, Shape{kMade, 1, 1, 1}, Shape{1, kMade, kMade}})
            CHECK(mentions(refused(with_constant_added("c", shape)),
                           "Add (/Add): adds a constant of shape " + to_string(shape) +
                               ", expected 16x1x1, 1x16x1x1 or one value: a bias of the layer's 16 channels"));
    }

    TEST_CASE("a constant is the bias of a layer alone that nobody reads without it") {
        CHECK(mentions(refused(with_constant_added("r", {kMade, 1, 1})),
                       "Add (/Add): adds a constant to what is no layer without a bias"));
        onnx::ModelProto twice = with_constant_added("c", {kMade, 1, 1});
        insert_behind(twice, "c+", {"Add", "/Again", {"c+", "c"}, {}});
        CHECK(mentions(refused(twice), "Add (/Add): adds a constant to a layer that other nodes read without it"));
        onnx::ModelProto renamed = made_network();
        renamed.graph.initializers.push_back(floats("k", {kMade, 1, 1}));
        insert_behind(renamed, "c", {"Identity", "/Identity", {"c"}, {}});
        insert_behind(renamed, "c+", {"Add", "/Add", {"c+", "k"}, {}});
        CHECK(refused(renamed).empty());
        insert_behind(renamed, "c++", {"Add", "/Again", {"c++", "c"}, {}});
        CHECK(mentions(refused(renamed), "other nodes read without it"));
        onnx::ModelProto padded = made_network();
        padded.graph.initializers.push_back(floats("k", {kMade, 1, 1}));
        padded.graph.initializers.push_back(whole("pads", {0, 0, 1, 1, 0, 0, 1, 1}));
        insert_behind(padded, "c", {"Pad", "/Pad", {"c", "pads"}, {}});
        insert_behind(padded, "c+", {"Add", "/Add", {"c+", "k"}, {}});
        CHECK(mentions(refused(padded), "reads a padded map"));
    }

    TEST_CASE("the bias of a Gemm is broadcast over its outputs") {
        const auto with_bias = [](const Shape& shape) {
            onnx::ModelProto model = made_network();
            model.graph.initializers.push_back(floats("k", shape));
            model.graph.nodes[4].inputs.emplace_back("k");
            return model;
        };
        for (const Shape& shape : {Shape{kMade}, Shape{1, kMade}})
            CHECK(taken(with_bias(shape)).tensors.at("fc.bias").values == counted(kMade));
        for (const Shape& shape : {Shape{}, Shape{1}, Shape{1, 1}})
            CHECK(taken(with_bias(shape)).tensors.at("fc.bias").values == counted(kMade, 0.0f));
        for (const Shape& shape : {Shape{2, kMade}, Shape{kMade, 1}, Shape{kMade, kMade}, Shape{3}, Shape{1, 1, kMade}})
            CHECK(mentions(refused(with_bias(shape)), "Gemm (/fc/Gemm): a bias of shape " + to_string(shape) +
                                                          ", expected 16, 1x16 or one value"));
    }

    TEST_CASE("bounds of a Clip that never act are none") {
        using Bound = std::optional<double>;
        const auto clipped = [](Bound lowest, Bound highest) {
            onnx::ModelProto model = made_network();
            model.graph.nodes[1] = {"Clip", "/Clip", {"c", "", ""}, {"r"}};
            for (const auto& [bound, name, at] :
                 {std::tuple(lowest, "lo", size_t{1}), std::tuple(highest, "hi", size_t{2})}) {
                if (!bound) continue;
                const auto value = static_cast<float>(*bound);
                model.graph.initializers.push_back(onnx::tensor(name, std::span<const float>(&value, 1), {}));
                model.graph.nodes[1].inputs[at] = name;
            }
            return model;
        };
        const auto attributes = [&](Bound lowest, Bound highest) -> Attributes {
            const Graph graph = taken(clipped(lowest, highest)).graph;
            return graph.node(1).kind->name() == "activation" ? graph.node(1).attributes : Attributes{};
        };
        constexpr double kInfinity = std::numeric_limits<double>::infinity();
        for (const double never : {1e9, 3.4e38, kInfinity}) {
            CHECK(attributes(0.0, never) == Attributes{{"lowest", 0.0}});
            CHECK(attributes(-never, 6.0) == Attributes{{"lowest", -1e6}, {"highest", 6.0}});
            CHECK(attributes(-never, never).empty());
        }
        CHECK(attributes(-1e6, {}).empty());
        CHECK(attributes({}, 6.0) == Attributes{{"lowest", -1e6}, {"highest", 6.0}});
        CHECK(attributes(0.0, 1e6) == Attributes{{"lowest", 0.0}, {"highest", 1e6}});
        CHECK(attributes({}, {}).empty());
        CHECK(mentions(refused(clipped(2.0, 1.0)),
                       "f.onnx: 1 of its 5 nodes cannot be taken: Clip (/Clip): min 2 above max 1"));
        CHECK(mentions(refused(clipped(std::nan(""), 1.0)), "Clip (/Clip): its min is not one number"));
        CHECK(mentions(refused(clipped(2e6, {})), "Clip (/Clip): attribute lowest, expected a number of"));
    }

    TEST_CASE("weights may be stored in fewer or more bits behind a Cast to float32") {
        for (const auto& [type, half] : {std::pair(onnx::DataType::float16, uint16_t{0x3800}),
                                         std::pair(onnx::DataType::bfloat16, uint16_t{0x3F00})}) {
            onnx::ModelProto model = made_network();
            onnx::TensorProto& weight = model.graph.initializers[0];
            const std::vector<uint16_t> bits(27 * kMade, half);
            weight = {"stored", type, weight.dims, std::string(bits.size() * sizeof(uint16_t), '\0')};
            std::memcpy(weight.bytes.data(), bits.data(), weight.bytes.size());
            model.graph.nodes.push_back({"Cast", "/Cast", {"stored"}, {"conv.weight"}, {{"to", int64_t{1}}}});
            CHECK(taken(model).tensors.at("conv.weight").values == std::vector<float>(27 * kMade, 0.5f));
            model.graph.nodes.back().attributes[0].value = int64_t{10};
            CHECK(
                mentions(refused(model), "Cast (/Cast): to float16, expected float32: export the network in float32"));
        }
        onnx::ModelProto model = made_network();
        insert_behind(model, "c", {"Cast", "/Cast", {"c"}, {}, {{"to", int64_t{1}}}});
        CHECK(refused(model).empty());
    }

    TEST_CASE("nodes of one operator and reason are told together, by their outputs where they have no names") {
        onnx::ModelProto model = made_network();
        model.graph.nodes[1] = {"Sigmoid", "", {"c"}, {"s"}};
        model.graph.nodes.insert(model.graph.nodes.begin() + 2, {"Sigmoid", "/second", {"s"}, {"r"}});
        CHECK(refused(model) ==
              "f.onnx: 2 of its 6 nodes cannot be taken: Sigmoid (2 nodes, first output s): no such "
              "operator is known");
        model.graph.nodes.resize(1);
        for (int i = 0; i < 30; ++i) {
            const std::string from = i == 0 ? "c" : "v" + std::to_string(i), to = "v" + std::to_string(i + 1);
            model.graph.nodes.push_back({"Op" + std::to_string(i), "", {from}, {i == 29 ? "y" : to}});
        }
        CHECK(mentions(refused(model), "f.onnx: 30 of its 31 nodes cannot be taken: Op0 (output v1): no such"));
        CHECK(mentions(refused(model), "Op19 (output v20): no such operator is known; and 10 more"));
    }

    TEST_CASE("what comes of a node that is not taken is no reason of its own") {
        onnx::ModelProto model = made_network();
        model.graph.nodes[2].op_type = "GlobalMaxPool";
        CHECK(refused(model) ==
              "f.onnx: 1 of its 5 nodes cannot be taken: GlobalMaxPool (/pool/GlobalAveragePool): no "
              "such operator is known");
    }

    TEST_CASE("an input of another form is refused with the form found and the form expected") {
        onnx::ModelProto model = made_network();
        model.graph.nodes[4].inputs[0] = "r";
        CHECK(mentions(refused(model),
                       "Gemm (/fc/Gemm): its input 0 is a map [N, channels, rows, columns], expected "
                       "features [N, features]"));
    }

    TEST_CASE("ceil_mode is taken where all windows lie in the map, with a note") {
        const auto pooled = [](int64_t kernel, int64_t padding) {
            onnx::ModelProto model = made_network();
            onnx::NodeProto pool{"MaxPool", "/MaxPool", {"r"}, {}};
            pool.attributes = {{"kernel_shape", std::vector<int64_t>{kernel, kernel}},
                               {"strides", std::vector<int64_t>{2, 2}},
                               {"pads", std::vector<int64_t>{padding, padding, 0, 0}},
                               {"ceil_mode", int64_t{1}}};
            insert_behind(model, "r", pool);
            return model;
        };
        CHECK(
            onnx::import_network("f.onnx", pooled(2, 0)).notes ==
            std::vector<std::string>{"The ceil_mode of MaxPool (/MaxPool) makes no difference for images of 16x16; for "
                                     "images of other sizes it is left out."});
        CHECK(refused(pooled(3, 1)).empty());
        CHECK(
            mentions(refused(pooled(3, 0)), "MaxPool (/MaxPool): ceil_mode with windows that overhang a map of 16x16"));
        onnx::ModelProto any_size = pooled(2, 0);
        any_size.graph.inputs[0].dims[2] = any_size.graph.inputs[0].dims[3] = std::string("size");
        CHECK(mentions(refused(any_size), "ceil_mode on a map whose size the file does not tell"));
    }

    TEST_CASE("the size of images that a file fixes is the model's, where it fixes both edges") {
        onnx::ModelProto onnx = made_network();
        const auto size = [&] { return onnx::import_network("f.onnx", onnx).model.input_size(); };
        std::vector<onnx::Dimension>& dims = onnx.graph.inputs[0].dims;
        CHECK(size() == std::pair(16, 16));
        dims[3] = int64_t{20};
        CHECK(size() == std::pair(16, 20));
        for (const onnx::Dimension& unknown :
             {onnx::Dimension(std::string("width")), onnx::Dimension(int64_t{0}), onnx::Dimension(int64_t{-1}),
              onnx::Dimension(int64_t{kMostInputEdge} + 1)}) {
            dims[3] = unknown;
            CHECK(size() == std::pair(0, 0));
        }
    }

    TEST_CASE("lists of a window are refused by their lengths") {
        onnx::ModelProto model = made_network();
        model.graph.nodes[0].attributes = {{"pads", std::vector<int64_t>{1, 1}}};
        CHECK(mentions(refused(model), "Conv (/conv/Conv): pads of 2 values, expected 4"));
        model.graph.nodes[0].attributes = {{"strides", std::vector<int64_t>{2}}};
        CHECK(mentions(refused(model), "Conv (/conv/Conv): strides of 1 value, expected 2"));
    }

    TEST_CASE("a Pad has all axes of a map, or those that it names") {
        const auto padded = [](const std::vector<int64_t>& pads, const std::vector<int64_t>& axes) {
            onnx::ModelProto model = made_network();
            model.graph.nodes[0].inputs[0] = "padded";
            onnx::NodeProto pad{"Pad", "/Pad", {"x", "pads"}, {"padded"}};
            model.graph.initializers.push_back(whole("pads", pads));
            if (!axes.empty()) {
                pad.inputs.insert(pad.inputs.end(), {"", "axes"});
                model.graph.initializers.push_back(whole("axes", axes));
            }
            model.graph.nodes.insert(model.graph.nodes.begin(), pad);
            return model;
        };
        const auto padding = [&](const std::vector<int64_t>& pads, const std::vector<int64_t>& axes) {
            return taken(padded(pads, axes)).graph.node(0).list("padding");
        };
        using List = std::vector<int64_t>;
        CHECK(padding({0, 0, 1, 2, 0, 0, 3, 4}, {}) == List{2, 3, 4, 5});  // the convolution's own are 1
        CHECK(padding({1, 2, 3, 4}, {2, 3}) == List{2, 3, 4, 5});
        CHECK(padding({1, 2, 3, 4}, {3, 2}) == List{3, 2, 5, 4});
        CHECK(padding({2, 4}, {-1}) == List{1, 3, 1, 5});
        CHECK(mentions(refused(padded({1, 2}, {2, 3})), "Pad (/Pad): 2 pads for 2 axes, expected two an axis"));
        CHECK(mentions(refused(padded({1, 1}, {4})), "Pad (/Pad): pads axis 4, expected those of a map"));
        CHECK(mentions(refused(padded({1, 1}, {1})), "pads batch or channels"));
        onnx::ModelProto ones = padded({0, 0, 1, 1, 0, 0, 1, 1}, {});
        ones.graph.nodes[0].attributes = {{"value", 1.0f}};
        CHECK(mentions(refused(ones), "Pad (/Pad): pads with something other than 0"));
    }

    TEST_CASE("a Dropout that trains is refused") {
        onnx::ModelProto model = made_network();
        model.graph.initializers.push_back({"training", onnx::DataType::boolean, {}, std::string(1, '\1')});
        insert_behind(model, "f", {"Dropout", "/Dropout", {"f", "", "training"}, {}});
        CHECK(mentions(refused(model), "Dropout (/Dropout): training_mode, expected a network for inference"));
        model.graph.initializers.back().bytes = std::string(1, '\0');
        CHECK(refused(model).empty());
    }

    TEST_CASE("a network that was not contiguous at its export is refused with what to do") {
        onnx::ModelProto model = made_network();
        insert_behind(model, "f", {"Gather", "node_as_strided", {"f", "fc.weight"}, {}});
        CHECK(mentions(refused(model),
                       "Gather (node_as_strided): of a network or image that is not contiguous, expected "
                       "both contiguous at the export"));
    }

    TEST_CASE("what cannot be run is refused with the file's name") {
        onnx::ModelProto early = made_network();
        for (const char* name : {"s", "b", "m", "v"}) early.graph.initializers.push_back(floats(name, {3}));
        early.graph.nodes[0].inputs[0] = "n";
        early.graph.nodes.insert(early.graph.nodes.begin(),
                                 {"BatchNormalization", "/bn/BatchNormalization", {"x", "s", "b", "m", "v"}, {"n"}});
        CHECK(refused(early).starts_with("f.onnx: bn: a batch norm of a value that others read, too, or of the image"));
        onnx::ModelProto twice = made_network();
        insert_behind(twice, "r", {"Add", "/Add", {"r", "c"}, {}});
        CHECK(refused(twice).starts_with("f.onnx: relu: an activation of a value that others read"));
        onnx::ModelProto narrow = made_network();
        narrow.graph.initializers[1] = floats("fc.weight", {kMade, 8});
        CHECK(refused(narrow).starts_with("f.onnx: fc: an input of 16, expected 8 features"));
    }
}
