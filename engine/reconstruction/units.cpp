#include "engine/reconstruction/units.h"

namespace adaq {

std::vector<Stretch> units_of(const Graph& graph, UnitKind kind) {
    std::vector<Stretch> units;
    if (kind == UnitKind::blocks) {
        for (const Unit& unit : graph.units)
            units.push_back({unit.name, unit.first, unit.last, graph.nodes[static_cast<size_t>(unit.first)].inputs[0],
                             static_cast<uint32_t>(units.size())});
        return units;
    }
    for (int i = 0; i < static_cast<int>(graph.nodes.size()); ++i) {
        const Node& node = graph.nodes[static_cast<size_t>(i)];
        if (node.layer >= 0) units.push_back({node.name, i, i + 1, node.inputs[0], static_cast<uint32_t>(node.layer)});
    }
    return units;
}

}  // namespace adaq
