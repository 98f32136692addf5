// How long the parts of a run take on this machine, measured on made-up numbers of the right shapes: for --dry-run.
#pragma once

#include "adaq/observer.h"
#include "engine/nearest.h"
#include "engine/reconstruction/unit_options.h"

namespace adaq {

struct UnitTiming {
    std::vector<double> seconds;  // an iteration of each unit
    std::vector<double> flops;    // of one
    int timed = 0;                // units whose iterations were run
    int like_others = 0;          // whose shapes are those of one that was timed; the rest goes by its flops
};

struct UnitsToTime {
    const Network &network, &original;  // weights and sites quantised; float
    const std::vector<Unit>& units;
    const Indexed<Shape>& shapes;  // value_shapes() of the images
};

/// Some iterations of each unit that is unlike the others, the heaviest first, as long as `budget` seconds allow.
/// Throws DataError where `images` are fewer than a batch.
UnitTiming time_units(Device& device, const UnitsToTime& what, const UnitOptions& options, int64_t images,
                      double budget, Observer& observer);

/// Seconds that one image takes through the network.
double time_forward(Device& device, const Network& network, int64_t height, int64_t width);

/// Seconds a value that choosing a range takes, of weights (in groups of `group` values) or activations (group 0).
double time_ranges(Device& device, const SchemeOptions& range, int64_t group);

}  // namespace adaq
