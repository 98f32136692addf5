// What reconstruction will need and do, told by the walk itself (engine/reconstruction/unit_walk.h) on a device that
// allocates and computes nothing.
#pragma once

#include <utility>
#include <vector>

#include "adaq/settings/settings.h"
#include "engine/reconstruction/unit_walk.h"

namespace adaq {

struct Rehearsal {
    int64_t cached_bytes = 0;                       // of values of all calibration images that are kept at a time, most
    std::vector<std::pair<uint32_t, Unit>> learns;  // in which pass (UnitOptions::phase) which unit, in this order

    bool learns_in(uint32_t phase, const Unit& unit) const;
};

/// original: float; network: the same with weights quantised to nearest, whatever their values, and activations as they
/// are before it is reconstructed; images: [N,H,W,C]. WalkOptions::unfolded, activation_range, memory and float_values
/// are not looked at, nor how many iterations there are. Throws as reconstruct_units() on `device` would: DataError
/// where the images are fewer than a batch, or a program is beyond the device.
Rehearsal rehearse(const Device& device, const Network& original, Network network, const Shape& images,
                   WalkOptions walk);

/// The float network with its weights as these settings shape them, whatever their values: made on no device.
Network shaped(const Device& device, const Network& original, const Settings& settings);

/// The whole walk that quantise() goes with these settings. image: shape of one, [H,W,C].
Rehearsal rehearse(const Device& device, const Network& original, const Settings& settings,
                   const std::vector<Site>& sites, const Shape& image);

}  // namespace adaq
