// See node_order.h.
#include "loaders/onnx/node_order.h"

#include <algorithm>

#include "engine/graph/node_kind.h"
#include "engine/nodes/kinds.h"
#include "loaders/architectures/graph_builder.h"

namespace adaq::onnx {
namespace {

constexpr ValueId kNowhere = -1;

/// By value: weighted layers on the longest way to it.
Indexed<int> depths_of(const Graph& graph) {
    Indexed<int> depths{0};
    for (const Node& node : graph.nodes) {
        int depth = 0;
        for (ValueId input : node.inputs) depth = std::max(depth, depths[input]);
        depths.push_back(depth + (node.kind->has_weight() ? 1 : 0));
    }
    return depths;
}

/// A node whose inputs are made one after the other, before it is.
struct Waiting {
    int node = 0;
    size_t made = 0;  // of its inputs
};

}  // namespace

void order_nodes(Graph& graph) {
    const Indexed<int> depths = depths_of(graph);
    for (Node& node : graph.nodes)
        if (node.kind == &add_kind())
            std::stable_sort(node.inputs.begin(), node.inputs.end(),
                             [&](ValueId a, ValueId b) { return depths[a] > depths[b]; });
    Graph ordered;
    std::vector<ValueId> places(static_cast<size_t>(graph.node_count() + 1), kNowhere);
    places[kImage] = kImage;
    std::vector<Waiting> waiting{{graph.node_count() - 1}};
    while (!waiting.empty()) {
        Waiting& last = waiting.back();
        Node& node = graph.nodes[last.node];
        if (last.made < node.inputs.size()) {
            const ValueId input = node.inputs[last.made++];
            if (places[static_cast<size_t>(input)] == kNowhere) waiting.push_back({Graph::producer_of(input)});
            continue;
        }
        for (ValueId& input : node.inputs) input = places[static_cast<size_t>(input)];
        places[static_cast<size_t>(Graph::output_of(last.node))] = append_node(
            ordered, std::string(node.kind->name()).c_str(), node.name, node.inputs, std::move(node.attributes));
        waiting.pop_back();
    }
    graph.nodes = std::move(ordered.nodes);
}

}  // namespace adaq::onnx
