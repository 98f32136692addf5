// VGG's adaptive pool, which makes a map of 7x7 of whatever map the image's size gives.
#pragma once

#include "engine/graph/graph.h"

namespace adaq {

/// The graph for images of this size. A fully connected layer that names a `pool` flattens a map that images of one
/// size give; where theirs is a multiple of it, an average pool of that name, whose windows are all of one size, stands
/// between them. The same graph where the map fits as it is. DataError where no such windows make the map.
Graph fitted(const Graph& graph, int64_t height, int64_t width);

/// Whether fitted() would give another graph, or refuse.
bool needs_fitting(const Graph& graph, int64_t height, int64_t width);

}  // namespace adaq
