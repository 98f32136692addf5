// A network whose last layer has no bias: where each channel's bias is learned it gets one, which the saved file keeps.
#include <doctest/doctest.h>

#include <algorithm>

#include "engine/passes/executor.h"
#include "engine/reconstruction/unit_walk.h"
#include "loaders/weights/weights.h"
#include "support/operations.h"
#include "support/places.h"
#include "support/temporary_folder.h"

using namespace adaq;
using namespace adaq::test;

namespace {

constexpr int64_t kBiasImages = 12, kBiasEdge = 16;

/// The thin network of basic blocks without its last layer's bias.
StoredModel without_bias() {
    StoredModel model = load_weights(fixtures_folder() + "/networks/basic.bin");
    model.graph.nodes.back().attributes["bias"] = int64_t{0};
    REQUIRE(model.tensors.erase("fc.bias") == 1);
    return model;
}

/// Quantised and learned with the numbers of `best`, but for a rate of the channels' own variables.
class Learned {
  public:
    explicit Learned(double channel_rate) : device_(make_device("cpu", 1)), model_(without_bias()) {
        const Network original = make_network(model_, true);
        network_ = original;
        quantise_weights(*device_, network_, {{"minmax", 3, 2.4, false}, true, false});
        const int64_t channels = model_.graph.input_channels;
        Values values(9);
        images_ = Tensor({kBiasImages, kBiasEdge, kBiasEdge, channels},
                         values.reals(kBiasImages * kBiasEdge * kBiasEdge * channels));
        WalkOptions options;
        options.recipe = recipe("best");
        options.recipe.learn.schedule.iterations = 10;
        options.recipe.learn.schedule.channel_rate = channel_rate;
        options.recipe.learn.batch = 4;
        options.units = learned_units(original.graph, options.recipe, false);
        options.memory = int64_t{1} << 30;
        reconstruct_units(*device_, original, network_, images_, options);
    }

    std::vector<float> logits(const Network& network) {
        Executor executor(*device_, network, kBiasImages, kBiasEdge, kBiasEdge);
        std::vector<float> logits(executor.batch() * executor.classes());
        executor.run(images_.values, logits);
        return logits;
    }
    const Network& network() const { return network_; }
    StoredModel saved() const { return quantised_model(network_, model_, "{}"); }

  private:
    std::unique_ptr<Device> device_;
    StoredModel model_;
    Network network_;
    Tensor images_;
};

}  // namespace

TEST_SUITE("learned bias") {
    TEST_CASE("a last layer without a bias learns one, and the saved file gives the same logits with it") {
        Learned learned(4e-3);
        const TemporaryFolder folder;
        save_bin(folder / "q.bin", learned.saved());
        const StoredModel loaded = load_weights(folder / "q.bin");
        CHECK(loaded.graph.nodes.back().integer("bias") == 1);
        const std::vector<float>& bias = loaded.tensors.at("fc.bias").values;
        CHECK(bias == learned.network().layers.back().channel_shift);
        CHECK(std::all_of(bias.begin(), bias.end(), [](float b) { return b != 0.0f; }));
        Network again = make_network(loaded, false);
        const std::vector<float> expected = learned.logits(learned.network());
        CHECK(learned.logits(again) == expected);
        std::fill(again.layers.back().channel_shift.begin(), again.layers.back().channel_shift.end(), 0.0f);
        CHECK(learned.logits(again) != expected);
    }

    TEST_CASE("where nothing moves it the bias stays zero") {
        const Learned learned(0.0);
        const std::vector<float>& bias = learned.network().layers.back().channel_shift;
        CHECK(std::all_of(bias.begin(), bias.end(), [](float b) { return b == 0.0f; }));
    }
}
