// Makes a quantised network what a runtime will compute (docs/arithmetic.md section 12): the factors of kept batch
// norms go into weights' scales, and where the runtime has biases as integers, they are such from here on.
#pragma once

#include "engine/graph/network.h"

namespace adaq {

/// The runtime that a network is made for (--deploy). none: for whatever comes.
enum class Deployment { none, ort, openvino, tensorrt, adaq };

/// Puts a kept batch norm into the layer: its factor into the weight's scales, which are one a channel from then on, a
/// negative factor's sign into the codes. A channel whose scale would be 0 has codes of 0 and scale 1.
void fuse_norm(Layer& layer);

/// Rounds a bias to multiples of input scale times weight scale, which int32 count. A channel whose weights are so
/// small beside its bias that it would not fit gets a coarser weight scale. DataError naming layer and channel where
/// that does not help.
void snap_bias(Layer& layer, float input_scale);

/// Both, as the target has them, for the layers of nodes [first, last): the scales of their inputs and weights are
/// final. Once the last node is done the network counts as folded.
void finish_layers(Network& network, int first, int last, Deployment target);

}  // namespace adaq
