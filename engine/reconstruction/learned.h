// What is learned about a unit, in the device's memory, with Adam's moments.
#pragma once

#include "adaq/learning.h"
#include "engine/graph/network.h"
#include "engine/program/device.h"
#include "engine/reconstruction/unit_options.h"

namespace adaq {

/// The rounding of one layer's weight. w_hat holds the factor of a batch norm with fixed statistics too
/// (engine/program/operations.h, Rounding).
struct LearnedRounding {
    int layer = -1;
    Grid grid;
    Buffer w, v, w_hat, scale, zero_point, channel_scale, first_moment, second_moment, penalty;

    LearnedRounding(Device& device, const Network& network, int layer_index, const UnitOptions& options);
    Rounding bind(Program& program) const;
    /// w_hat from V, before the first iteration.
    void round(Device& device) const;
    /// Hard rounding: puts the integers into the network.
    void freeze(Device& device, Network& network) const;
};

/// What the channels of one layer have to themselves: a factor of the weight's scale, relative to where it starts, and
/// the bias. The layer's weight is LearnedRounding's.
struct LearnedChannels {
    struct Variable {
        Buffer value, gradient, first_moment, second_moment;  // [K]
    };
    int layer = -1;
    Variable factor, shift;

    LearnedChannels(Device& device, const Network& network, int layer_index);
    /// The factors as they stand; `name` is the layer's.
    ChannelRecord describe(Device& device, const std::string& name) const;
    /// Behind LearnedRounding::freeze(), which goes by the scales that roundings were learned with.
    void freeze(Device& device, Network& network) const;
};

/// A batch norm that uses the batch's statistics; its running ones move.
struct MovingNorm {
    int layer = -1;
    double epsilon = 0.0;
    Buffer gamma, beta, mean, variance;

    MovingNorm(Device& device, const Network& network, int layer_index);
    /// Puts the moved statistics into the network.
    void freeze(Device& device, Network& network) const;
};

/// The scale of one activation site.
struct LearnedScale {
    ValueId site = -1;
    Buffer scale, gradient, first_moment, second_moment;

    LearnedScale(Device& device, const Network& network, ValueId value);
    void freeze(Device& device, Network& network) const;
};

}  // namespace adaq
