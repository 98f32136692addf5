// What is learned together, found by structure where nothing names it.
#pragma once

#include "engine/graph/graph.h"

namespace adaq::onnx {

/// Sets the units of a graph that has none, and gives additions that end one its name.
/// - Where all that follows reads one value alone, the graph can be cut. A stretch between two cuts that holds an
///   addition is a unit, with the activation behind it.
/// - Else two layers that follow each other are one, each with the norm and activation behind it; layers up to one
///   without an activation (the linear bottleneck of MobileNetV2) are one unit, if they are few. Fully connected layers
///   are one each.
/// - The first convolution is the stem, the last fully connected layer the head. Pools stand between units.
void mark_units(Graph& graph);

}  // namespace adaq::onnx
