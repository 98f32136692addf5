// A ResNet as a list of nodes in network order, grouped into units (stem, blocks, head). The graph knows structure
// only; parameters are in engine/network.h.
#pragma once

#include <string>
#include <vector>

#include "engine/model.h"

namespace adaq {

enum class NodeKind { convolution, max_pool, add, global_average_pool, linear };

/// Values are numbered: 0 is the image, i + 1 what node i produces.
using ValueId = int;
inline constexpr ValueId kImage = 0;

struct Node {
    NodeKind kind;
    std::string name;  // "conv1", "layer1.0.conv1", "fc"; for an add its block, "layer1.0"; pools "maxpool", "avgpool"
    int unit = 0;      // index into Graph::units; -1 for the pools between units
    std::vector<ValueId> inputs;  // an add: {the block's last convolution, the shortcut}
    int layer = -1;               // convolution, linear: index of its parameters
    int kernel = 1, stride = 1, padding = 0;
    bool relu = false;  // a convolution's or an add's
};

struct Unit {
    std::string name;         // "stem", "layer1.0", ..., "head"
    int first = 0, last = 0;  // nodes [first, last)
};

struct Graph {
    std::vector<Node> nodes;
    std::vector<Unit> units;
    std::vector<std::string> layers;  // names of convolutions and the fully connected layer, in network order

    static ValueId output_of(int node) { return node + 1; }
    static int producer_of(ValueId value) { return value - 1; }  // -1 for the image
};

/// By value: the last node that reads it; -1 where none does.
std::vector<int> last_readers(const Graph& graph);

/// Whether nobody but the max pool that follows reads a node's output.
bool is_pooled(const Graph& graph, int node);

/// torchvision's ResNet (v1.5) as the model's tensors have it: a block has a downsample convolution where the model has
/// one.
Graph build_graph(const Model& model);

/// The batch norm that follows a convolution: "layer1.0.conv2" -> "layer1.0.bn2", "layer1.0.downsample.0" ->
/// "layer1.0.downsample.1".
std::string batch_norm_of(const std::string& convolution);

}  // namespace adaq
