// See rehearsal.h.
#include "adaq/plan/rehearsal.h"

#include <algorithm>
#include <limits>

#include "adaq/learning/reconstruct.h"
#include "adaq/plan/dry_device.h"

namespace adaq {
namespace {

/// One iteration takes the memory of all.
Recipe of_one_iteration(Recipe recipe) {
    recipe.learn.schedule.iterations = 1;
    if (recipe.scales) recipe.scales->schedule.iterations = 1;
    if (recipe.correction) recipe.correction->steps = std::min<int64_t>(recipe.correction->steps, 1);
    return recipe;
}

/// With made-up batch norms in place of those that are folded.
Network unfolded(Network network) {
    for (Layer& layer : network.layers) {
        if (layer.norm || layer.norm_name.empty()) continue;
        const std::vector<float> ones(layer.channels(), 1.0f), zeros(ones.size());
        layer.keep({ones, zeros, zeros, ones});
    }
    network.folded = false;
    return network;
}

}  // namespace

bool Rehearsal::learns_in(uint32_t phase, const Unit& unit) const {
    return std::any_of(learns.begin(), learns.end(),
                       [&](const auto& turn) { return turn.first == phase && turn.second.first == unit.first; });
}

Rehearsal rehearse(const Device& device, const Network& original, Network network, const Shape& images,
                   WalkOptions walk) {
    DryDevice dry(device);
    const Network norms = walk.recipe.correction ? unfolded(original) : Network{};
    walk.recipe = of_one_iteration(std::move(walk.recipe));
    walk.unfolded = &norms;
    walk.activation_range = {"minmax", 8, 2.4, false};
    walk.memory = std::numeric_limits<int64_t>::max();
    walk.float_values = nullptr;
    walk.deployment = Deployment::none;  // a matter of values
    Rehearsal rehearsal;
    WalkObserver observer;
    observer.begin = [&](const Unit& unit, uint32_t phase) -> std::optional<UnitResult> {
        rehearsal.learns.emplace_back(phase, unit);
        return std::nullopt;
    };
    observer.cached = [&](int64_t bytes) { rehearsal.cached_bytes = bytes; };
    reconstruct_units(dry, original, network, Tensor(images, {}), walk, observer);
    return rehearsal;
}

Network shaped(const Device& device, const Network& original, const Settings& settings) {
    DryDevice dry(device);
    Network network = original;
    SchemeOptions range = settings.weight_range();
    range.scheme = "minmax";
    quantise_weights(dry, network,
                     {range, settings.per_channel, settings.head_stem_8bit, settings.bits, settings.deployed()});
    return network;
}

Rehearsal rehearse(const Device& device, const Network& original, const Settings& settings,
                   const std::vector<Site>& sites, const Shape& image) {
    return rehearse(device, original, shaped(device, original, settings),
                    stacked(settings.images * settings.recipe.views, image),
                    walk_options(settings, original.graph, sites, settings.images));
}

}  // namespace adaq
