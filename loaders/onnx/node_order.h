// The order of an imported network's nodes, which files have as their exporters happened to write them.
#pragma once

#include "engine/graph/graph.h"

namespace adaq::onnx {

/// Orders nodes as the builders of families do (loaders/architectures): of the terms of an addition the one with more
/// layers behind it comes first, as operand and with its nodes, so that a block's last convolution is added to and its
/// shortcut is what is added. Terms of as many layers stay in their order. Numbers random streams anew. Nodes that the
/// last one's output is not made of are left out.
void order_nodes(Graph& graph);

}  // namespace adaq::onnx
