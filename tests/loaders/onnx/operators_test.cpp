// Operators of ONNX graphs, made by hand: which of their forms are taken, as what, and how others are refused.
#include <doctest/doctest.h>

#include <functional>

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
        onnx::ModelProto padded = with_constant_added("c", {kMade, 1, 1});
        padded.graph.initializers.push_back(whole("pads", {0, 0, 1, 1, 0, 0, 1, 1}));
        insert_behind(padded, "c", {"Pad", "/Pad", {"c", "pads"}, {}});
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
}
