// PD-Quant's distribution correction (arXiv 2212.07048; docs/arithmetic.md section 8): the float input of a unit is
// nudged until what enters each of the unit's batch norms has that norm's statistics, image by image.
#pragma once

#include <functional>

#include "engine/graph/network.h"
#include "engine/plateau.h"
#include "engine/reconstruction/cache_memory.h"
#include "engine/reconstruction/unit_options.h"

namespace adaq {

struct CorrectionOptions {
    int64_t steps = 500;  // of Adam, for each batch
    double rate = 1e-3;
    double lambda = 0.02;  // the shift's share of the loss is divided by it
    int64_t batch = 32;
    Plateau plateau = {};  // how the rate falls
};

/// The input after `options.steps` steps, [N,H,W,C]; the same bits however often the host polls.
/// original: the float network, its batch norms kept. float_input: its value at unit.input for all calibration images,
/// [N,H,W,C]. shapes: value_shapes() of the images. Images are taken in batches in their order (the last may be
/// smaller), each batch from its own images with a fresh optimiser. A unit without batch norms returns its input.
/// poll: called several times a second; may throw to stop. Throws DataError where a loss is not finite.
Buffer corrected_input(Device& device, const Network& original, const Unit& unit, const Buffer& float_input,
                       const Indexed<Shape>& shapes, const CorrectionOptions& options, CacheMemory& memory,
                       const Poll& poll);

}  // namespace adaq
