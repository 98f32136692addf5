// The float network's values that reconstructions leave to one another: found by walks with the same units alone, and
// of no influence on what is learned.
#include "engine/reconstruction/float_values.h"

#include <doctest/doctest.h>

#include "engine/reconstruction/unit_walk.h"
#include "loaders/weights/weights.h"
#include "support/operations.h"
#include "support/places.h"

using namespace adaq;
using namespace adaq::test;

namespace {

constexpr int64_t kImages = 12, kEdge = 16;

/// Reconstructions of a thin network on the same images.
class Setting {
  public:
    Setting()
        : device_(make_device("cpu", 1)),
          model_(load_weights(fixtures_folder() + "/networks/basic.bin")),
          original_(make_network(model_, false)) {}

    /// The integers of all layers, with so many bits, learned layer by layer or block by block.
    std::vector<std::vector<float>> learn(int bits, UnitKind units, FloatValues* kept) {
        Values values(4);
        const int64_t channels = model_.graph.input_channels;
        Network network = original_;
        quantise_weights(*device_, network, {{"minmax", bits, 2.4, false}, true, false});
        WalkOptions options;
        options.recipe = adaq::recipe("adaround");
        options.recipe.units = units;
        options.recipe.learn.schedule.iterations = 6;
        options.recipe.learn.batch = 4;
        options.units = learned_units(original_.graph, options.recipe, false);
        options.memory = int64_t{1} << 30;
        options.float_values = kept;
        reconstruct_units(*device_, original_, network,
                          Tensor({kImages, kEdge, kEdge, channels}, values.reals(kImages * kEdge * kEdge * channels)),
                          options);
        std::vector<std::vector<float>> codes;
        for (const Layer& layer : network.layers) codes.push_back(layer.codes->centred);
        return codes;
    }
    Device& device() { return *device_; }
    /// The nodes of the units that are learned.
    std::vector<FloatValues::Nodes> nodes(UnitKind units) const {
        Recipe recipe = adaq::recipe("adaround");
        recipe.units = units;
        std::vector<FloatValues::Nodes> nodes;
        for (const Unit& unit : learned_units(original_.graph, recipe, false))
            nodes.emplace_back(unit.first, unit.last);
        return nodes;
    }

  private:
    std::unique_ptr<Device> device_;
    StoredModel model_;
    Network original_;
};

}  // namespace

TEST_SUITE("float values") {
    TEST_CASE("what is kept is found by those who walk alike, up to the limit") {
        const auto device = make_device("cpu", 1);
        const Buffer a = device->create({4, 8}), b = device->create({4, 8});
        FloatValues kept(4 * 8 * 4 + 1);
        kept.keep({{0, 1}, {1, 3}}, {1, 3}, a);
        CHECK(kept.find({{0, 1}, {1, 3}}, {1, 3}) == a);
        CHECK(kept.find({{0, 1}, {1, 3}}, {0, 1}) == nullptr);
        CHECK(kept.find({{0, 3}}, {1, 3}) == nullptr);
        kept.keep({{0, 1}, {1, 3}}, {1, 3}, b);  // it is there already
        kept.keep({{0, 3}}, {0, 3}, b);          // no room
        CHECK(kept.find({{0, 1}, {1, 3}}, {1, 3}) == a);
        CHECK(kept.find({{0, 3}}, {0, 3}) == nullptr);
        CHECK(kept.bytes() == 4 * 8 * 4);
    }

    TEST_CASE("reconstructions that share them learn what each learns alone") {
        Setting setting;
        const auto layers = setting.learn(2, UnitKind::layers, nullptr),
                   blocks = setting.learn(3, UnitKind::blocks, nullptr);
        for (const int64_t limit : {int64_t{0}, int64_t{20000}, int64_t{1} << 30}) {
            CAPTURE(limit);
            FloatValues kept(limit);
            setting.learn(4, UnitKind::layers, &kept);
            CHECK(kept.bytes() <= limit);
            const int64_t bytes = kept.bytes();
            CHECK((bytes > 0) == (limit > 0));
            CHECK(setting.learn(2, UnitKind::layers, &kept) == layers);
            CHECK(kept.bytes() == bytes);
            CHECK(setting.learn(3, UnitKind::blocks, &kept) == blocks);
        }
    }

    TEST_CASE("what is kept is what they learn from") {
        Setting setting;
        const auto layers = setting.learn(2, UnitKind::layers, nullptr),
                   blocks = setting.learn(2, UnitKind::blocks, nullptr);
        FloatValues kept(int64_t{1} << 30);
        setting.learn(2, UnitKind::layers, &kept);
        const auto units = setting.nodes(UnitKind::layers);
        const Buffer target = kept.find(units, units[2]);
        REQUIRE(target != nullptr);
        setting.device().upload(*target, std::vector<float>(static_cast<size_t>(element_count(target->shape())), 3.0f));
        CHECK(setting.learn(2, UnitKind::layers, &kept) != layers);
        CHECK(setting.learn(2, UnitKind::blocks, &kept) == blocks);
    }
}
