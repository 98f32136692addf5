// The kinds of nodes, one a file.
#pragma once

namespace adaq {

class NodeKind;

const NodeKind& convolution_kind();
const NodeKind& linear_kind();
const NodeKind& batch_norm_kind();
const NodeKind& activation_kind();
const NodeKind& add_kind();
const NodeKind& max_pool_kind();
const NodeKind& global_average_pool_kind();

}  // namespace adaq
