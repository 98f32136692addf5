// From a network's graph as it was trained to the one that is run: batch norms become part of the convolution before
// them, activations part of the sum before them.
#pragma once

#include <string>
#include <vector>

#include "engine/graph/graph.h"

namespace adaq {

/// Where a layer's parameters have their names from.
struct LayerNames {
    std::string layer;      // "layer1.0.conv1"
    std::string norm{};     // "layer1.0.bn1"; empty: none behind it, or folded
    double epsilon = 0.0;   // the norm's
    int64_t positions = 1;  // of the map that a fully connected layer flattens
};

struct Fused {
    Graph graph;                 // Node::layer and Node::activation are set
    Indexed<LayerNames> layers;  // by Node::layer
};

/// A node that is fused bears the name of the first of its nodes, and the random stream of the last. Throws DataError,
/// naming the node, where a batch norm or an activation cannot be joined with the one before it.
Fused fuse(const Graph& graph);

/// The same graph without batch norms: each convolution before one has a bias, which is what folding leaves, and notes
/// the norm's name.
Graph without_norms(const Graph& graph);

}  // namespace adaq
