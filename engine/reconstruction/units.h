// What is reconstructed at a time, in network order (docs/arithmetic.md section 7).
#pragma once

#include <vector>

#include "engine/reconstruction/unit_options.h"

namespace adaq {

/// layers: every convolution and the fully connected layer by itself. blocks: residual blocks whole; the stem and the
/// fully connected layer are layers.
enum class UnitKind { layers, blocks };

/// The numbers that random streams go by are the layer's, or those of Graph::units.
std::vector<Unit> units_of(const Graph& graph, UnitKind kind);

}  // namespace adaq
