// Reconstruction layer by layer (AdaRound, methods.md sections 4, 5 and 7): each layer learns its rounding, and the
// scale of its own output's quantiser, on the input that the layers before it give now; then the next layer sees the
// result.
#pragma once

#include "engine/nearest.h"
#include "engine/reconstruction/unit_trainer.h"

namespace adaq {

struct LayerwiseOptions {
    UnitOptions unit;         // of every layer
    std::vector<Site> sites;  // activations to quantise; empty: they stay float
    SchemeOptions activation_range;
    int64_t scale_images = 256;  // activation scales start from the first so many
};

/// Called before each layer with its name, and with its progress; may throw to stop.
struct LayerwiseObserver {
    std::function<void(const std::string& layer)> begin;
    UnitTrainer::Observer progress;
    std::function<void(const UnitTrainer& trainer)> end;
    SiteObserver site;
};

/// original: the float network (BN as in `network`); network: its weights quantised to nearest, no activations. images
/// [N,H,W,C]: the calibration set.
void reconstruct_layers(Device& device, const Network& original, Network& network, const Tensor& images,
                        const LayerwiseOptions& options, const LayerwiseObserver& observer = {});

}  // namespace adaq
