// VGG on images of other sizes than its own (loaders/architectures/adaptive_pool.h).
#include "loaders/architectures/adaptive_pool.h"

#include <doctest/doctest.h>

#include "adaq/session.h"
#include "adaq/state/model_state.h"
#include "engine/graph/node_kind.h"
#include "loaders/architectures/vgg.h"
#include "loaders/weights/weights.h"
#include "support/family_fixtures.h"
#include "support/interface.h"

using namespace adaq;
using namespace adaq::test;

namespace {

/// Its last map is a quarter of the image: 20x20 pixels give the 5x5 that it reads.
Vgg small_vgg() {
    Vgg network;
    network.stages = {{6}, {8}};
    network.map = 5;
    network.hidden = {12};
    network.indices = {0, 3};
    network.classes = 7;
    return network;
}

/// From a file of its state dict.
Model vgg_model() {
    StoredModel stored;
    stored.graph = vgg_graph(small_vgg());
    for (const NamedShape& parameter : parameters_of(stored.graph))
        stored.tensors[parameter.name] = made_up_parameter(parameter.name, parameter.shape);
    const TemporaryFolder folder;
    save_safetensors(folder / "vgg.safetensors", stored);
    return load(folder / "vgg.safetensors");
}

std::vector<float> logits_on(const Model& model, const ImageSets& images) {
    std::vector<float> logits;
    EvaluateOptions options;
    options.logits = [&](std::span<const float> rows, int64_t) {
        logits.insert(logits.end(), rows.begin(), rows.end());
    };
    evaluate(model, images, options, kOneThread);
    return logits;
}

std::vector<std::string> kinds_of(const Graph& graph) {
    std::vector<std::string> kinds;
    for (const Node& node : graph.nodes) kinds.emplace_back(node.kind->name());
    return kinds;
}

}  // namespace

TEST_SUITE("adaptive pools") {
    TEST_CASE("a map that fits is read as it is, a multiple of it through windows, others are refused") {
        const Graph graph = vgg_graph(small_vgg());
        CHECK_FALSE(needs_fitting(graph, 20, 20));
        CHECK(fitted(graph, 20, 20) == graph);
        CHECK(fitted(graph, 23, 22) == graph);  // whose last map is 5x5, too
        const Graph made = fitted(graph, 40, 60);
        std::vector<std::string> expected = kinds_of(graph);
        const auto head = std::find(expected.begin(), expected.end(), "linear");
        const auto place = static_cast<int>(head - expected.begin());
        expected.insert(head, "average_pool");
        CHECK(kinds_of(made) == expected);
        const Node& pool = made.node(place);
        CHECK(pool.name == "avgpool");
        CHECK(pool.list("kernel") == std::vector<int64_t>{2, 3});
        CHECK(pool.list("stride") == std::vector<int64_t>{2, 3});
        CHECK(pool.unit == -1);
        CHECK(made.node(place + 1).inputs == std::vector<ValueId>{Graph::output_of(place)});
        CHECK_FALSE(needs_fitting(made, 40, 60));
        const Indexed<Shape> shapes = value_shapes(made, 40, 60);
        CHECK(shapes[Graph::output_of(place)] == Shape{5, 5, 8});
        CHECK(shapes[made.node_count()] == Shape{7});
        for (size_t i = 0; i < made.units.size(); ++i) {
            CHECK(made.units[i].name == graph.units[i].name);
            CHECK(made.units[i].stream == graph.units[i].stream);
        }
        CHECK_THROWS_WITH_AS(fitted(graph, 36, 40),
                             "classifier.0: images of 36x40 give a map of 9x10, expected 5x5 or a multiple of it: "
                             "windows that average others to 5x5 are of several sizes",
                             DataError);
        CHECK_THROWS_AS(fitted(graph, 12, 12), DataError);
        const Graph other = load(kNetwork).state().stored.graph;  // a network without such a pool
        CHECK(fitted(other, 33, 65) == other);
    }

    TEST_CASE("it is quantised, planned, saved and evaluated on images of twice its size") {
        const Model model = vgg_model();
        const ImageSets images = own_image_sets(model);
        QuantiseOptions options{.weight_bits = 4, .activation_bits = 8, .scheme = "minmax", .images = kOwnImages};
        CHECK(plan(model, images, options, kOneThread, 0.01).height == kOwnEdge);
        const Quantised quantised = quantise(model, images, options, kOneThread);
        const TemporaryFolder folder;
        save(quantised.model(), folder / "q.bin");
        const Model again = load(folder / "q.bin");
        CHECK(kinds_of(again.state().stored.graph) == kinds_of(fitted(model.state().stored.graph, kOwnEdge, kOwnEdge)));
        const std::vector<float> logits = logits_on(again, images);
        CHECK(logits.size() == size_t{kOwnImages} * 7);
        CHECK(logits == logits_on(quantised.model(), images));
        double difference = 0.0, size = 0.0;
        const std::vector<float> floats = logits_on(model, images);
        for (size_t i = 0; i < logits.size(); ++i) {
            difference += std::fabs(double{logits[i]} - floats[i]);
            size += std::fabs(floats[i]);
        }
        CHECK(difference < 0.5 * size);
    }

    TEST_CASE("sessions of a float network are of the size that they are asked for") {
        const Model model = vgg_model();
        const ImageSets images = open_images(model, {.own_val = own_inputs({})});
        const std::vector<float> expected = logits_on(model, images);
        SessionOptions options;
        options.threads = 1;
        options.height = options.width = kOwnEdge;
        const Session session(model, options);
        std::vector<float> input(size_t{kOwnEdge} * kOwnEdge * 3), logits(7);
        own_inputs({}).inputs(0, input);
        session.run(input, logits);
        CHECK(std::equal(logits.begin(), logits.end(), expected.begin()));
        options.height = options.width = 36;
        CHECK(std::string(error_from([&] { const Session other(model, options); }).what()).find("map of 9x9") !=
              std::string::npos);
    }
}
