// Graphs: what their checks refuse, where units lie, and what fusing makes of batch norms and activations.
#include "engine/graph/graph.h"

#include <doctest/doctest.h>

#include <functional>

#include "engine/error.h"
#include "engine/graph/node_kind.h"
#include "engine/nodes/kinds.h"
#include "engine/passes/fuse.h"
#include "engine/passes/sites.h"
#include "loaders/architectures/resnet.h"

using namespace adaq;

namespace {

Attributes convolution(int64_t inputs, int64_t outputs) {
    return {{"inputs", inputs},
            {"outputs", outputs},
            {"kernel", std::vector<int64_t>{3, 3}},
            {"stride", std::vector<int64_t>{1, 1}},
            {"padding", std::vector<int64_t>{1, 1, 1, 1}},
            {"dilation", std::vector<int64_t>{1, 1}},
            {"groups", int64_t{1}},
            {"bias", int64_t{0}}};
}

Node node(const char* kind, const std::string& name, std::vector<ValueId> inputs, Attributes attributes, int unit) {
    Node made{&node_kind(kind), name, std::move(inputs), std::move(attributes)};
    made.unit = unit;
    return made;
}

/// stem: convolution, norm, ReLU; block: convolution and the stem's output added; pool; head.
Graph small_graph() {
    Graph graph;
    for (const char* name : {"stem", "block", "head"}) graph.units.push_back({name});
    graph.nodes = {
        node("convolution", "a", {0}, convolution(3, 4), 0),
        node("batch_norm", "a_norm", {1}, {{"channels", int64_t{4}}, {"epsilon", 1e-3}}, 0),
        node("activation", "a_relu", {2}, {{"lowest", 0.0}}, 0),
        node("convolution", "b", {3}, convolution(4, 4), 1),
        node("add", "sum", {4, 3}, {}, 1),
        node("activation", "sum_relu", {5}, {{"lowest", 0.0}, {"highest", 6.0}}, 1),
        node("global_average_pool", "pool", {6}, {}, -1),
        node("linear", "fc", {7}, {{"inputs", int64_t{4}}, {"outputs", int64_t{2}}, {"bias", int64_t{1}}}, 2)};
    for (int i = 0; i < graph.node_count(); ++i) graph.nodes[static_cast<size_t>(i)].stream = static_cast<uint32_t>(i);
    find_units(graph);
    return graph;
}

/// What a step says against the small graph after an edit; "" if nothing.
std::string refusal(const std::function<void(Graph&)>& edit, const std::function<void(Graph&)>& step) {
    Graph graph = small_graph();
    edit(graph);
    try {
        step(graph);
        return "";
    } catch (const DataError& error) {
        return error.what();
    }
}

std::string check_says(const std::function<void(Graph&)>& edit) { return refusal(edit, check_graph); }
std::string units_say(const std::function<void(Graph&)>& edit) { return refusal(edit, find_units); }
std::string fusing_says(const std::function<void(Graph&)>& edit) {
    return refusal(edit, [](Graph& graph) { static_cast<void>(fuse(graph)); });
}

}  // namespace

TEST_SUITE("graph") {
    TEST_CASE("shapes and parameters follow from the nodes") {
        const Graph graph = small_graph();
        CHECK_NOTHROW(check_graph(graph));
        const Indexed<Shape> shapes = value_shapes(graph, 6, 5);
        CHECK(shapes[0] == Shape{6, 5, 3});
        CHECK(shapes[3] == Shape{6, 5, 4});
        CHECK(shapes[7] == Shape{4});
        CHECK(shapes[8] == Shape{2});
        CHECK(classes_of(graph) == 2);
        std::vector<std::string> names;
        for (const NamedShape& parameter : parameters_of(graph)) names.push_back(parameter.name);
        CHECK(names == std::vector<std::string>{"a.weight", "a_norm.weight", "a_norm.bias", "a_norm.running_mean",
                                                "a_norm.running_var", "b.weight", "fc.weight", "fc.bias"});
        CHECK_THROWS_WITH_AS(value_shapes(resnet_graph({}), 0, 0),
                             "images of 0x0 pixels are too small for this network", DataError);
    }

    TEST_CASE("windows of any geometry have their positions") {
        Node stem = node("convolution", "a", {0}, convolution(3, 4), 0);
        stem.attributes["kernel"] = std::vector<int64_t>{3, 5};
        stem.attributes["stride"] = std::vector<int64_t>{2, 1};
        stem.attributes["padding"] = std::vector<int64_t>{0, 2, 1, 1};
        stem.attributes["dilation"] = std::vector<int64_t>{2, 1};
        const std::vector<Shape> inputs{{9, 10, 3}};
        CHECK(stem.kind->shape(stem, inputs) == Shape{3, 9, 4});  // (9 + 1 - 5) / 2 + 1, 10 + 3 - 5 + 1
        CHECK(convolution_window_of(stem) == ConvolutionWindow{2, 1, 0, 2, 1, 1, 2, 1, 1});
        Node pool = node("max_pool", "p", {0}, {}, 0);
        pool.attributes = {{"kernel", std::vector<int64_t>{3, 2}},
                           {"stride", std::vector<int64_t>{2, 2}},
                           {"padding", std::vector<int64_t>{0, 2, 1, 0}}};
        CHECK_THROWS_WITH_AS(pool.kind->check(pool), "p: a padding of 2 beside a window of 2, expected less",
                             DataError);
        stem.attributes["groups"] = int64_t{2};
        CHECK_THROWS_AS(stem.kind->check(stem), DataError);  // 3 channels in 2 groups
    }

    TEST_CASE("a node that is not one of its kind is refused by name") {
        const auto set = [](int index, const char* name, const Attribute& value) {
            return [=](Graph& g) { g.nodes[static_cast<size_t>(index)].attributes[name] = value; };
        };
        CHECK(check_says([](Graph&) {}) == "");
        CHECK(check_says([](Graph& g) { g.nodes.clear(); }) == "a network without nodes");
        CHECK(check_says([](Graph& g) { g.nodes[0].attributes.erase("groups"); }) ==
              "a: no attribute groups, which a convolution has");
        CHECK(check_says(set(0, "colour", int64_t{1})) == "a: attribute colour, which a convolution does not have");
        CHECK(check_says(set(0, "bias", int64_t{2})) == "a: attribute bias, expected a whole number of 0 to 1");
        CHECK(check_says(set(0, "stride", std::vector<int64_t>{0, 1})) ==
              "a: attribute stride, expected 2 whole numbers of 1 to 4096");
        CHECK(check_says(set(0, "kernel", int64_t{3})) == "a: attribute kernel, expected 2 whole numbers of 1 to 4096");
        CHECK(check_says(set(1, "epsilon", -1.0)) == "a_norm: attribute epsilon, expected a number of 0 to 1");
        CHECK(check_says(set(5, "highest", -1.0)).find("sum_relu: attribute highest") == 0);
        CHECK(check_says([](Graph& g) { g.nodes[4].inputs = {4}; }) == "sum: 1 inputs, expected 2");
        CHECK(check_says([](Graph& g) { g.nodes[3].inputs = {4}; }) ==
              "b reads value 4, expected one that stands before it");
        CHECK(check_says([](Graph& g) { g.nodes[3].name = "a"; }) == "two parameters are called a.weight");
        CHECK(check_says([](Graph& g) { g.nodes[3].unit = 9; }) == "b is in unit 9 of 3");
    }

    TEST_CASE("inputs that do not fit their node are refused by name") {
        const auto shapes_say = [](const std::function<void(Graph&)>& edit) {
            return refusal(edit, [](Graph& graph) { static_cast<void>(value_shapes(graph, 8, 8)); });
        };
        CHECK(shapes_say([](Graph& g) { g.nodes[3].attributes["inputs"] = int64_t{5}; }) ==
              "b: an input of 8x8x4, expected a map of 5 channels");
        CHECK(shapes_say([](Graph& g) {
                  g.nodes[3].attributes["stride"] = std::vector<int64_t>{2, 2};
              }) == "sum: adds 4x4x4 and 8x8x4, expected one shape");
        CHECK(shapes_say([](Graph& g) { g.nodes[7].attributes["inputs"] = int64_t{5}; }) ==
              "fc: an input of 4, expected 5 features");
        CHECK(shapes_say([](Graph& g) { g.nodes[7].inputs = {6}; }) == "fc: an input of 8x8x4, expected 4 features");
    }

    TEST_CASE("units are stretches that read one value and hand on their last") {
        const Graph graph = small_graph();
        CHECK(graph.units[1].first == 3);
        CHECK(graph.units[1].last == 6);
        CHECK(graph.units[1].input == 3);
        CHECK(graph.units[1].output() == 6);
        CHECK(units_say([](Graph& g) { g.nodes[1].unit = 1; }) ==
              "unit stem is in several pieces, expected nodes that follow each other");
        CHECK(units_say([](Graph& g) { g.units.push_back({"empty"}); }) == "unit empty has no nodes");
        CHECK(units_say([](Graph& g) { g.nodes[4].inputs[1] = 2; }) ==
              "unit block reads 2 values from outside, expected one");
        CHECK(units_say([](Graph& g) { g.nodes[6].inputs[0] = 5; }) ==
              "unit block: sum within is read by pool outside");
    }

    TEST_CASE("norms and activations become part of the sum before them") {
        const Fused fused = fuse(small_graph());
        const Graph& graph = fused.graph;
        REQUIRE(graph.node_count() == 5);
        CHECK(graph.node(0).name == "a");
        CHECK(graph.node(0).activation.is_relu());
        CHECK(graph.node(0).stream == 2);  // the ReLU's
        CHECK(graph.node(2).inputs == std::vector<ValueId>{2, 1});
        CHECK(graph.node(2).activation == Activation::clamp(0.0f, 6.0f));
        CHECK_FALSE(graph.node(1).activation);
        REQUIRE(fused.layers.size() == 3);
        CHECK(fused.layers[0].norm == "a_norm");
        CHECK(fused.layers[0].epsilon == 1e-3);
        CHECK(fused.layers[1].norm.empty());
        CHECK(graph.units[1].first == 1);
        CHECK(graph.units[1].last == 3);
        CHECK(graph.units[2].input == 4);
    }

    TEST_CASE("what cannot be fused is refused by name") {
        CHECK(fusing_says([](Graph& g) {
                  g.nodes[2] = node("batch_norm", "again", {2}, {{"channels", int64_t{4}}, {"epsilon", 1e-3}}, 0);
              }) == "again: a batch norm behind a, expected one behind a convolution");
        CHECK(fusing_says([](Graph& g) {
                  g.nodes[3].inputs = {2};
              }).find("a_relu: an activation of a value that others") == 0);
        CHECK(fusing_says([](Graph& g) {
                  g.nodes[2].unit = g.nodes[1].unit = g.nodes[0].unit = 0;
                  g.nodes[1].inputs = {0};
              }).find("a_norm: a batch norm of a value that others read, too, or of the image") == 0);
        CHECK(fusing_says([](Graph& g) {
                  g.nodes.insert(g.nodes.begin() + 7, node("activation", "late", {7}, {{"lowest", 0.0}}, -1));
                  g.nodes[8].inputs = {8};
              }) ==
              "late: an activation behind pool, expected one behind a convolution, a fully connected layer or an "
              "addition");
    }

    TEST_CASE("a fully connected layer reads features, or a map of its size") {
        const auto layer = [](std::vector<int64_t> map, int64_t inputs) {
            Attributes attributes{{"inputs", inputs}, {"outputs", int64_t{2}}, {"bias", int64_t{1}}};
            if (!map.empty()) attributes["map"] = std::move(map);
            Graph graph;
            graph.nodes = {node("linear", "fc", {0}, std::move(attributes), -1)};
            return graph;
        };
        const Graph of_map = layer({6, 5}, 90);
        CHECK_NOTHROW(check_graph(of_map));
        CHECK(value_shapes(of_map, 6, 5).back() == Shape{2});
        CHECK(parameters_of(of_map)[0].shape == Shape{2, 90});
        CHECK_THROWS_WITH_AS(value_shapes(of_map, 5, 6), "fc: an input of 5x6x3, expected a map of 6x5x3", DataError);
        CHECK_THROWS_WITH_AS(value_shapes(layer({}, 90), 6, 5), "fc: an input of 6x5x3, expected 90 features",
                             DataError);
        CHECK_THROWS_WITH_AS(check_graph(layer({6, 5}, 91)), "fc: 91 inputs of a map of 6x5", DataError);
        CHECK_THROWS_AS(check_graph(layer({6}, 90)), DataError);
        CHECK_THROWS_AS(check_graph(layer({0, 5}, 90)), DataError);
    }

    TEST_CASE("without its norms a graph has biases, and says what was folded") {
        const Graph folded = without_norms(small_graph());
        REQUIRE(folded.node_count() == 7);
        CHECK(folded.node(0).integer("bias") == 1);
        CHECK(std::get<std::string>(folded.node(0).attributes.at("norm")) == "a_norm");
        CHECK(folded.node(1).inputs == std::vector<ValueId>{1});
        CHECK(folded.node(2).integer("bias") == 0);
        CHECK_FALSE(folded.node(0).attributes.contains("bias_before_norm"));
        Graph biased = small_graph();
        biased.nodes[0].attributes["bias"] = int64_t{1};
        CHECK(without_norms(biased).node(0).integer("bias_before_norm") == 1);
        CHECK_NOTHROW(check_graph(folded));
        const Graph fused = fuse(folded).graph, before = fuse(small_graph()).graph;
        for (int i = 0; i < fused.node_count(); ++i) {
            CHECK(fused.node(i).name == before.node(i).name);
            CHECK(fused.node(i).stream == before.node(i).stream);
            CHECK(fused.node(i).inputs == before.node(i).inputs);
        }
        CHECK(without_norms(resnet_graph({})) == [] {
            ResNet network;
            network.folded = true;
            return resnet_graph(network);
        }());
    }

    TEST_CASE("sites lie behind activations and additions, or behind layers, and the edges are found without names") {
        const Graph graph = fuse(small_graph()).graph;
        const auto bits = [&](const SiteOptions& options) {
            std::string text;
            for (const Site& site : activation_sites(graph, options))
                text += value_name(graph, site.value) + ":" + std::to_string(site.bits) + " ";
            return text;
        };
        SiteOptions options;
        options.bits = 4;
        CHECK(bits(options) == "a:4 sum:4 ");
        options.head_stem_8bit = true;
        CHECK(bits(options) == "a:4 sum:8 ");
        options.edges = EdgeActivations::stem;
        CHECK(bits(options) == "a:8 sum:4 ");
        options.sites = ActivationSites::layer;
        CHECK(bits(options) == "a:8 b:4 fc:8 ");
    }
}
