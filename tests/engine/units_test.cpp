// What is learned at a time, and with which numbers: units of a network, the methods' recipes.
#include "engine/reconstruction/units.h"

#include <doctest/doctest.h>

#include "engine/graph/network.h"
#include "engine/passes/fuse.h"
#include "engine/reconstruction/recipe.h"
#include "engine/reconstruction/unit_walk.h"
#include "loaders/architectures/resnet.h"

using namespace adaq;

namespace {

Graph small_resnet() { return fuse(resnet_graph({BlockKind::basic, {1, 2}, 8, 5, 3})).graph; }

std::vector<std::string> names_of(const std::vector<Unit>& units) {
    std::vector<std::string> names;
    for (const Unit& unit : units) names.push_back(unit.name);
    return names;
}

}  // namespace

TEST_SUITE("units") {
    TEST_CASE("blocks are the stem, the residual blocks and the head, layers are what has a weight") {
        const Graph graph = small_resnet();
        const std::vector<Unit> blocks = units_of(graph, UnitKind::blocks);
        CHECK(names_of(blocks) == std::vector<std::string>{"stem", "layer1.0", "layer2.0", "layer2.1", "head"});
        for (size_t i = 0; i < blocks.size(); ++i) CHECK(blocks[i].stream == i);
        CHECK(blocks[0].input == kImage);
        CHECK(blocks[1].input == Graph::output_of(blocks[0].last));  // the pool's output
        const std::vector<Unit> layers = units_of(graph, UnitKind::layers);
        CHECK(names_of(layers) == std::vector<std::string>{"conv1", "layer1.0.conv1", "layer1.0.conv2",
                                                           "layer2.0.conv1", "layer2.0.conv2", "layer2.0.downsample.0",
                                                           "layer2.1.conv1", "layer2.1.conv2", "fc"});
        for (size_t i = 0; i < layers.size(); ++i) {
            CHECK(layers[i].stream == i);
            CHECK(layers[i].last == layers[i].first + 1);
            CHECK(layers[i].input == graph.node(layers[i].first).inputs[0]);
        }
    }

    TEST_CASE("a method that leaves the stem learns all units but that one, where the stem has eight bits") {
        const Graph graph = small_resnet();
        Recipe learning = recipe("brecq");
        for (bool leave_stem : {false, true}) {
            for (bool eight_bits : {false, true}) {
                learning.leave_stem = leave_stem;
                const auto units = learned_units(graph, learning, eight_bits);
                CHECK(units.front().name == (leave_stem && eight_bits ? "layer1.0" : "stem"));
            }
        }
    }

    TEST_CASE("a pool whose output is quantised is learned with the layer that reads it") {
        const Graph graph = small_resnet();
        const Recipe learning = recipe("qdrop");
        const Unit plain = learned_units(graph, learning, false).back();
        const ValueId pooled = plain.input;
        const Unit with_pool = learned_units(graph, learning, false, {{pooled, 4}}).back();
        CHECK(with_pool.first == plain.first - 1);
        CHECK(with_pool.last == plain.last);
        CHECK(with_pool.input == graph.node(Graph::producer_of(pooled)).inputs[0]);
        CHECK(learned_units(graph, learning, false, {{pooled - 1, 4}}).back().first == plain.first);
    }

    TEST_CASE("a pass over scales alone takes the units that have a site") {
        const Graph graph = small_resnet();
        WalkOptions options;
        options.recipe = recipe("brecq");
        options.units = units_of(graph, UnitKind::blocks);
        REQUIRE(options.recipe.scales);
        CHECK(options.passes().size() == 1);  // no sites: nothing for a second pass
        options.sites = {{Graph::output_of(options.units[1].last - 1), 4}};
        REQUIRE(options.passes().size() == 2);
        CHECK(options.units_of(*options.passes()[0]).size() == options.units.size());
        CHECK(names_of(options.units_of(*options.passes()[1])) == std::vector<std::string>{"layer1.0"});
    }

    TEST_CASE("each method learns what its paper says") {
        for (const std::string method : {"adaround", "brecq", "qdrop", "pdquant", "best"}) {
            CAPTURE(method);
            const Recipe r = recipe(method);
            CHECK(r.learn.learn_rounding);
            CHECK((r.units == UnitKind::layers) == (method == "adaround"));
            CHECK((r.learn.keep_quantised < 1.0f) == (method == "qdrop" || method == "pdquant" || method == "best"));
            CHECK(r.learn.prediction.has_value() == (method == "pdquant"));
            CHECK(r.scales.has_value() == (method == "brecq"));
            CHECK(r.learn.learn_scales == (method != "brecq"));
        }
        CHECK(recipe("best").learn.learn_channels);
    }
}
