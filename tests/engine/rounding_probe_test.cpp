// What the probe of roundings says about roundings that are known.
#include "engine/reconstruction/rounding_probe.h"

#include <doctest/doctest.h>

#include "engine/graph/network.h"
#include "support/devices.h"

using namespace adaq;
using namespace adaq::test;

namespace {

/// One layer of `channels` with 1,024 weights each, all of them w, one scale of 1 for the layer.
Network layer_of(int64_t channels, float w) {
    Layer layer;
    layer.name = "conv";
    layer.shape = {channels, 1, 1, 1024};
    const auto count = static_cast<size_t>(element_count(layer.shape));
    layer.weight = Tensor(layer.shape, std::vector<float>(count, w));
    layer.codes = LayerCodes{{4, false}, "minmax", {1.0f}, {0.0f}, std::vector<float>(count)};
    Network network;
    network.layers.push_back(std::move(layer));
    return network;
}

/// V is `even` in every other channel from the first, `odd` in the rest.
void set_channels(Device& device, const LearnedRounding& rounding, float even, float odd) {
    std::vector<float> v(static_cast<size_t>(element_count(rounding.v->shape())));
    for (size_t i = 0; i < v.size(); ++i) v[i] = i / 1024 % 2 == 0 ? even : odd;
    device.upload(*rounding.v, v);
}

constexpr float kHalf = 0.0f, kUp = 3.0f, kDown = -3.0f;  // h = 1/2, 1, 0

}  // namespace

TEST_SUITE("rounding probe") {
    TEST_CASE("a layer of up to 16,384 weights is measured whole, of a larger one channels evenly spaced") {
        for (const std::string& name : devices_under_test()) {
            const auto device = make_device(name, 2);
            for (int64_t channels : {16, 32}) {
                CAPTURE(channels);
                std::vector<LearnedRounding> roundings;
                roundings.emplace_back(*device, layer_of(channels, 0.3f), 0, UnitOptions{});
                set_channels(*device, roundings[0], kHalf, kUp);
                const Unsettled seen = RoundingProbe(*device, roundings).measure();
                CHECK(seen.softness == (channels == 16 ? 0.5 : 1.0));  // every other of 32 is the even ones
                CHECK(seen.share == (channels == 16 ? 0.5 : 1.0));
                CHECK(describe_rounding(*device, roundings[0], "conv").unsettled.share == 0.5);
            }
        }
    }

    TEST_CASE("layers count by their size, and each measurement is of now") {
        const auto device = make_device("cpu", 2);
        std::vector<LearnedRounding> roundings;
        roundings.emplace_back(*device, layer_of(2, 0.3f), 0, UnitOptions{});
        roundings.emplace_back(*device, layer_of(6, 0.3f), 0, UnitOptions{});
        RoundingProbe probe(*device, roundings);
        set_channels(*device, roundings[0], kHalf, kHalf);
        set_channels(*device, roundings[1], kUp, kDown);
        CHECK(probe.measure().share == 0.25);
        set_channels(*device, roundings[0], kUp, kUp);
        CHECK(probe.measure().share == 0.0);
        CHECK(probe.measure().softness == 0.0);
    }

    TEST_CASE("up and down are counted against the nearest integer on the grid") {
        const auto device = make_device("cpu", 2);
        const auto described = [&](float w, float even, float odd) {
            LearnedRounding rounding(*device, layer_of(4, w), 0, UnitOptions{});
            set_channels(*device, rounding, even, odd);
            return describe_rounding(*device, rounding, "conv");
        };
        const RoundingRecord low = described(0.3f, kUp, kDown);  // nearest: 0
        CHECK(low.up == 0.5);
        CHECK(low.down == 0.0);
        const RoundingRecord high = described(0.7f, kUp, kDown);  // nearest: 1
        CHECK(high.up == 0.0);
        CHECK(high.down == 0.5);
        CHECK(high.weights == 4096);
        CHECK(described(7.3f, kUp, kUp).up == 0.0);  // beyond the grid's 7 there is nothing
    }
}
