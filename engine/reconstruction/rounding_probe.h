// Looks at roundings while they are learned and at their end: how far h(V) is from 0 or 1, and which weights left the
// nearest integer.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "adaq/learning.h"
#include "engine/reconstruction/learned.h"

namespace adaq {

/// An estimate of how unsettled a unit's roundings are, cheap enough for a curve: of each layer whole output channels,
/// evenly spaced, about 16,384 weights at most. They are gathered on the device; no more than they is copied.
class RoundingProbe {
  public:
    RoundingProbe(Device& device, const std::vector<LearnedRounding>& roundings);
    /// Over all layers, each with the weight of its size; nothing unsettled where there are no roundings.
    Unsettled measure();

  private:
    struct Sample {
        Buffer v;               // [channels, ...]
        double represents = 0;  // weights
    };
    Device& device_;
    std::vector<Sample> samples_;
    std::unique_ptr<CompiledProgram> gather_;  // null where there are no roundings
};

/// The end: every weight of a layer, its hard rounding against the nearest, both clamped to the grid.
RoundingRecord describe_rounding(Device& device, const LearnedRounding& rounding, const std::string& layer);

}  // namespace adaq
