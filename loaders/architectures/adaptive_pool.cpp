// See adaptive_pool.h.
#include "loaders/architectures/adaptive_pool.h"

#include <optional>

#include "engine/error.h"
#include "engine/graph/node_kind.h"
#include "engine/printable.h"
#include "loaders/architectures/graph_builder.h"

namespace adaq {
namespace {

struct Misfit {
    int node = 0;  // the layer
    Shape map;     // that it would read
};

/// Shapes up to the layer alone: those behind it are what does not fit.
std::optional<Misfit> misfit(const Graph& graph, int64_t height, int64_t width) {
    for (int i = 0; i < graph.node_count(); ++i) {
        const Node& node = graph.node(i);
        if (!node.attributes.contains("pool")) continue;
        Graph before;
        before.input_channels = graph.input_channels;
        for (int k = 0; k < i; ++k) before.nodes.push_back(graph.node(k));
        const Shape map = value_shapes(before, height, width)[node.inputs[0]];
        if (std::vector<int64_t>{map[0], map[1]} != node.list("map")) return Misfit{i, map};
    }
    return std::nullopt;
}

}  // namespace

bool needs_fitting(const Graph& graph, int64_t height, int64_t width) {
    return misfit(graph, height, width).has_value();
}

Graph fitted(const Graph& graph, int64_t height, int64_t width) {
    const std::optional<Misfit> found = misfit(graph, height, width);
    if (!found) return graph;
    const Node& layer = graph.node(found->node);
    const std::vector<int64_t>& wanted = layer.list("map");
    const Shape& map = found->map;
    if (map[0] % wanted[0] != 0 || map[1] % wanted[1] != 0)
        data_error(
            "{}: images of {}x{} give a map of {}x{}, expected {}x{} or a multiple of it: windows that average others "
            "to {}x{} are of several sizes",
            printable(layer.name), height, width, map[0], map[1], wanted[0], wanted[1], wanted[0], wanted[1]);
    const std::vector<int64_t> window{map[0] / wanted[0], map[1] / wanted[1]};
    Graph made = graph;
    made.nodes = {};
    for (int i = 0; i < graph.node_count(); ++i) {
        Node node = graph.node(i);
        for (ValueId& input : node.inputs) input += input > found->node ? 1 : 0;
        if (i == found->node) {
            const std::string name = std::get<std::string>(node.attributes.at("pool"));
            node.inputs[0] = append_node(made, "average_pool", name, {node.inputs[0]},
                                         {{"kernel", window},
                                          {"stride", window},
                                          {"padding", std::vector<int64_t>(4, 0)},
                                          {"count_padding", int64_t{0}}});
            node.attributes.erase("pool");
        }
        append_node(made, std::string(node.kind->name()).c_str(), node.name, node.inputs, node.attributes, node.unit);
        made.nodes.back().output = node.output;
    }
    find_units(made);
    return made;
}

}  // namespace adaq
