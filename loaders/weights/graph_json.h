// A network's graph as the header of the flat binary has it (weights/FORMAT.md), there and back.
#pragma once

#include "engine/graph/graph.h"
#include "loaders/weights/json_field.h"

namespace adaq {

nlohmann::json graph_json(const Graph& graph);

/// DataError naming the file and the field where a node is of no known kind, has attributes that its kind has not,
/// reads what does not stand before it, or units are not stretches.
Graph parse_graph(const std::string& file, const JsonField& field);

}  // namespace adaq
