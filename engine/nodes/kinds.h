// The kinds of nodes.
#pragma once

#include <cstdint>

namespace adaq {

struct Node;
class NodeKind;

const NodeKind& convolution_kind();
const NodeKind& linear_kind();
const NodeKind& batch_norm_kind();
const NodeKind& activation_kind();
const NodeKind& add_kind();
const NodeKind& max_pool_kind();
const NodeKind& average_pool_kind();
const NodeKind& global_average_pool_kind();

/// Positions of the map that a fully connected layer reads, flattened; 1 for one that reads features, and for all other
/// kinds of nodes.
int64_t flattened_positions(const Node& node);

}  // namespace adaq
