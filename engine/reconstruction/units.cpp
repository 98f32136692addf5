#include "engine/reconstruction/units.h"

namespace adaq {

std::vector<Unit> units_of(const Graph& graph, UnitKind kind) {
    if (kind == UnitKind::blocks) return graph.units;
    std::vector<Unit> units;
    for (int i = 0; i < graph.node_count(); ++i) {
        const Node& node = graph.node(i);
        if (node.layer >= 0) units.push_back({node.name, i, i + 1, node.inputs[0], static_cast<uint32_t>(node.layer)});
    }
    return units;
}

}  // namespace adaq
