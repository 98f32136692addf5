// Turns a network's layers and sites into the rows of a report.
#pragma once

#include <span>

#include "adaq/report.h"
#include "engine/graph/network.h"

namespace adaq {

/// Rows of all layers, in network order. shapes: value_shapes() of the images; output_sqnr: by layer, or empty.
std::vector<WeightReport> describe_weights(const Network& network, bool per_channel, const Indexed<Shape>& shapes,
                                           const std::vector<double>& output_sqnr);

/// The row of one site; values: what its quantiser saw on the calibration images, if any.
ActivationReport describe_activation(const std::string& name, const QuantisedActivation& quantiser,
                                     std::span<const float> values);

/// Bytes of the model before and after.
Sizes describe_sizes(const Network& network, const StoredModel& original);

/// "W4A8": the fewest bits of the layers between the first and the last, and of the activations; "A32" where they are
/// float. Empty where no weight is quantised.
std::string precision_label(const Network& network);

}  // namespace adaq
