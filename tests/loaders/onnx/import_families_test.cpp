// Networks of torchvision's families from ONNX, as both of PyTorch's exporters write them, beside the same from their
// state dicts (tests/fixtures/families/onnx, tools/make_family_fixtures.py).
#include <doctest/doctest.h>

#include "engine/graph/node_kind.h"
#include "engine/nodes/kinds.h"
#include "engine/passes/fuse.h"
#include "loaders/architectures/graph_builder.h"
#include "loaders/onnx/import.h"
#include "loaders/onnx/node_order.h"
#include "support/devices.h"
#include "support/family_fixtures.h"

using namespace adaq;
using namespace adaq::test;

namespace {

/// kind: "traced", "exported", "normed". Weights that bear the names of the state dict are its weights, others zeros.
StoredModel imported(const SmallNetwork& small, const std::string& name, const char* kind) {
    const std::string file = fixtures_folder() + "/families/onnx/" + name + "_" + kind + ".onnx.gz";
    const std::string text = text_of_gzip(file);
    const auto weight = [&](const onnx::DataElsewhere& data) {
        std::string bytes(static_cast<size_t>(data.length.value_or(0)), '\0');
        const auto known = small.shapes().find(data.location);
        if (known == small.shapes().end()) return bytes;
        const Tensor tensor = made_up_parameter(known->first, known->second);
        REQUIRE(tensor.values.size() * sizeof(float) == bytes.size());
        std::memcpy(bytes.data(), tensor.values.data(), bytes.size());
        return bytes;
    };
    return onnx::import_network(file, onnx::parse(file, std::as_bytes(std::span(text)), weight)).model;
}

/// What is computed, in which units and with which random streams: all but names, and batch norms folded.
std::vector<std::string> structure(const Graph& graph) {
    Graph folded = without_norms(graph);
    std::vector<std::string> lines;
    for (Node& node : folded.nodes) {
        node.attributes.erase("norm");
        node.attributes.erase("bias_before_norm");
        std::string line = describe(node) + " in unit " + std::to_string(node.unit) + " with stream " +
                           std::to_string(node.stream) + " of";
        for (ValueId input : node.inputs) line += " " + std::to_string(input);
        lines.push_back(line);
    }
    for (const Unit& unit : folded.units) lines.push_back("unit with stream " + std::to_string(unit.stream));
    return lines;
}

std::vector<float> float_logits(const StoredModel& model, const Tensor& images) {
    return logits_of(*make_device("cpu", 1), make_network(model, false), images);
}

}  // namespace

TEST_SUITE("ONNX import: families") {
    TEST_CASE("both exporters' files give the graph of the state dict, with its units and random streams") {
        for (const std::string& name : SmallNetwork::names()) {
            const SmallNetwork small(name);
            const std::vector<std::string> expected = structure(small.model(hints_of(name)).graph);
            for (const char* kind : {"traced", "exported", "normed"}) {
                INFO(name << ", " << std::string(kind));
                CHECK(structure(imported(small, name, kind).graph) == expected);
            }
        }
    }

    TEST_CASE("where norms are kept, float logits are the state dict's to the bit") {
        for (const std::string& name : SmallNetwork::names()) {
            const SmallNetwork small(name);
            INFO(name);
            const StoredModel from_onnx = imported(small, name, "normed"), state = small.model(hints_of(name));
            CHECK(from_onnx.tensors.size() == state.tensors.size());
            CHECK(float_logits(from_onnx, small.images()) == float_logits(state, small.images()));
        }
    }

    TEST_CASE("of an addition's terms the longer one comes first, terms of one length stay, what nobody reads goes") {
        const auto graph_of = [](bool body_first, int64_t kernel) {
            Graph graph;
            const auto convolution = [&](const char* name, ValueId x) {
                return append_node(graph, "convolution", name, {x}, {{"kernel", std::vector<int64_t>{kernel, kernel}}});
            };
            const ValueId stem = convolution("stem", kImage);
            ValueId shortcut = body_first ? kImage : convolution("shortcut", stem);
            const ValueId body = convolution("second", convolution("first", stem));
            convolution("unread", body);
            if (body_first) shortcut = convolution("shortcut", stem);
            const ValueId a = body_first ? body : shortcut, b = body_first ? shortcut : body;
            const ValueId sum = append_node(graph, "add", "add", {a, b}, {});
            const ValueId left = convolution("left", sum), right = convolution("right", sum);
            append_node(graph, "add", "even", {right, left}, {});
            return graph;
        };
        Graph ordered = graph_of(true, 1), other = graph_of(false, 1);
        onnx::order_nodes(ordered);
        onnx::order_nodes(other);
        CHECK(ordered == other);
        std::vector<std::string> names;
        for (const Node& node : ordered.nodes) names.push_back(node.name);
        CHECK(names == std::vector<std::string>{"stem", "first", "second", "shortcut", "add", "right", "left", "even"});
        CHECK(ordered.node(4).inputs == std::vector<ValueId>{3, 4});
        CHECK(ordered.node(7).inputs == std::vector<ValueId>{6, 7});
        CHECK(ordered.node(7).stream == 8);
    }
}
