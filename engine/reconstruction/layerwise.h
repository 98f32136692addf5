// Reconstruction layer by layer (AdaRound, methods.md sections 4, 5 and 7): each layer learns its rounding, and the
// scale of its own output's quantiser, on the input that the layers before it give now; then the next layer sees the
// result.
#pragma once

#include "engine/nearest.h"
#include "engine/reconstruction/cache_memory.h"
#include "engine/reconstruction/unit_result.h"
#include "engine/reconstruction/unit_trainer.h"

namespace adaq {

struct LayerwiseOptions {
    UnitOptions unit;         // of every layer
    std::vector<Site> sites;  // activations to quantise; empty: they stay float
    SchemeOptions activation_range;
    int64_t scale_images = 256;  // activation scales start from the first so many
    int64_t memory = 0;          // bytes of the device's memory for cached values; what does not fit is spilled
};

/// What is told while layers are learned; any of it may be empty, and each may throw to stop.
struct LayerwiseObserver {
    /// A layer's turn has come. Its result, if an earlier run has left one: then it is not learned again.
    std::function<std::optional<UnitResult>(const Stretch& layer)> begin;
    UnitTrainer::Observer progress;
    UnitTrainer::Poll poll;
    std::function<void(const Stretch& layer, const UnitResult& result)> end;  // learned, or taken from an earlier run
    SiteObserver site;  // an activation's values on the first images, its quantiser final in the network
    CacheMemory::Say say;
};

/// original: the float network (BN as in `network`); network: its weights quantised to nearest, no activations. images
/// [N,H,W,C]: the calibration set; forgotten once it has passed the layers that read it.
void reconstruct_layers(Device& device, const Network& original, Network& network, Tensor images,
                        const LayerwiseOptions& options, const LayerwiseObserver& observer = {});

}  // namespace adaq
