// Reconstruction of a network, unit after unit in network order (docs/arithmetic.md sections 4, 5 and 7): each learns
// on what the units before it give now, is frozen, and the next one sees the result. BRECQ goes over the network a
// second time, for the scales.
#pragma once

#include "engine/nearest.h"
#include "engine/passes/deploy.h"
#include "engine/reconstruction/cache_memory.h"
#include "engine/reconstruction/float_values.h"
#include "engine/reconstruction/recipe.h"
#include "engine/reconstruction/unit_result.h"
#include "engine/reconstruction/unit_trainer.h"

namespace adaq {

struct WalkOptions {
    Recipe recipe;
    const Network* unfolded = nullptr;  // the float network with its batch norms kept: for Recipe::correction
    std::vector<Unit> units;            // in network order; nodes between them stay as they are
    std::vector<Site> sites;            // activations to quantise; empty: they stay float
    SchemeOptions activation_range;
    Deployment deployment = Deployment::none;  // layers are finished for it once their scales are final
    int64_t memory = 0;  // bytes of the device's memory for cached values; what does not fit is spilled
    /// Values of the float network on the same images, of reconstructions before and for those to come; null: none.
    FloatValues* float_values = nullptr;

    /// The passes over the network.
    std::vector<const UnitOptions*> passes() const;
    /// The units that learn in a pass: where it is one of scales alone, those that have some.
    std::vector<Unit> units_of(const UnitOptions& pass) const;
};

/// What is told while units are learned; any of it may be empty, and each may throw to stop.
struct WalkObserver {
    /// A unit's turn has come, in a pass (UnitOptions::phase). Its result, if an earlier run has left one: then it is
    /// not learned again.
    std::function<std::optional<UnitResult>(const Unit& unit, uint32_t phase)> begin;
    UnitTrainer::Observer progress;
    Poll poll;
    /// Learned, or taken from an earlier run.
    std::function<void(const Unit& unit, const UnitResult& result)> end;
    SiteObserver site;  // at the end: an activation's values on the first images, its quantiser final in the network
    CacheMemory::Say say;
    std::function<void(int64_t bytes)> cached;  // at the end: of cached values, most at a time, wherever they lay
};

/// original: the float network (BN as in `network`); network: its weights quantised to nearest, no activations. images
/// [N,H,W,C]: the calibration set; forgotten once it has passed the units that read it.
void reconstruct_units(Device& device, const Network& original, Network& network, Tensor images,
                       const WalkOptions& options, const WalkObserver& observer = {});
/// The same with images that are on the device already.
void reconstruct_units(Device& device, const Network& original, Network& network, Buffer images,
                       const WalkOptions& options, const WalkObserver& observer = {});

/// The units that a recipe learns in a network: all of their kind, or all but the stem. A pool whose output is one of
/// `sites` is part of the unit that reads it, which learns its scale.
std::vector<Unit> learned_units(const Graph& graph, const Recipe& recipe, bool head_stem_8bit,
                                const std::vector<Site>& sites = {});

}  // namespace adaq
