#include "engine/passes/fuse.h"

#include "engine/error.h"
#include "engine/graph/node_kind.h"
#include "engine/nodes/kinds.h"
#include "engine/printable.h"

namespace adaq {
namespace {

Activation activation_of(const Node& node) {
    const auto number = [&](const char* name, float otherwise) {
        const auto found = node.attributes.find(name);
        return found == node.attributes.end() ? otherwise : static_cast<float>(std::get<double>(found->second));
    };
    return Activation::clamp(number("lowest", 0.0f), number("highest", Activation::relu().highest()));
}

class Fuser {
  public:
    explicit Fuser(const Graph& graph) : graph_(graph), readers_(reader_counts(graph)) {}

    Fused fuse() {
        fused_.graph.input_channels = graph_.input_channels;
        fused_.graph.units = graph_.units;
        fused_.graph.description = graph_.description;
        for (const Node& node : graph_.nodes) {
            if (node.kind == &batch_norm_kind())
                join_norm(node);
            else if (node.kind == &activation_kind())
                join_activation(node);
            else
                append(node);
        }
        find_units(fused_.graph);
        return std::move(fused_);
    }

  private:
    void append(Node node) {
        for (ValueId& input : node.inputs) input = values_[input];
        if (node.kind->has_weight()) {
            node.layer = static_cast<int>(fused_.layers.count());
            fused_.layers.push_back({.layer = node.name, .positions = flattened_positions(node)});
        }
        fused_.graph.nodes.push_back(std::move(node));
        values_.push_back(fused_.graph.node_count());
    }

    /// The node whose output this one alone reads.
    Node& before(const Node& node, const char* what) {
        const ValueId input = node.inputs[0];
        if (input == kImage || readers_[input] != 1)
            data_error("{}: {} of a value that others read, too, or of the image; expected one that follows a layer",
                       printable(node.name), what);
        return fused_.graph.nodes[Graph::producer_of(values_[input])];
    }

    void join(const Node& node, Node& with) {
        with.stream = node.stream;
        values_.push_back(values_[node.inputs[0]]);
    }

    void join_norm(const Node& node) {
        Node& convolution = before(node, "a batch norm");
        if (convolution.kind != &convolution_kind() || convolution.activation ||
            !fused_.layers[convolution.layer].norm.empty())
            data_error("{}: a batch norm behind {}, expected one behind a convolution", printable(node.name),
                       printable(convolution.name));
        LayerNames& names = fused_.layers[convolution.layer];
        names.norm = node.name;
        names.epsilon = std::get<double>(node.attributes.at("epsilon"));
        join(node, convolution);
    }

    void join_activation(const Node& node) {
        Node& sum = before(node, "an activation");
        if (sum.activation || !(sum.kind->has_weight() || sum.kind == &add_kind()))
            data_error(
                "{}: an activation behind {}, expected one behind a convolution, a fully connected layer or an "
                "addition",
                printable(node.name), printable(sum.name));
        sum.activation = activation_of(node);
        join(node, sum);
    }

    const Graph& graph_;
    Indexed<int> readers_;
    Fused fused_;
    Indexed<ValueId> values_{kImage};  // the fused graph's, by value of the other
};

}  // namespace

Fused fuse(const Graph& graph) { return Fuser(graph).fuse(); }

Graph without_norms(const Graph& graph) {
    Graph result = graph;
    result.nodes.clear();
    Indexed<ValueId> values{kImage};
    for (const Node& node : graph.nodes) {
        if (node.kind == &batch_norm_kind()) {
            const ValueId value = values[node.inputs[0]];
            require(value != kImage, "{}: a batch norm of the image", node.name);
            Node& convolution = result.nodes[Graph::producer_of(value)];
            if (convolution.integer("bias")) convolution.attributes["bias_before_norm"] = int64_t{1};
            convolution.attributes["bias"] = int64_t{1};
            convolution.attributes["norm"] = node.name;
            convolution.stream = node.stream;
            values.push_back(value);
            continue;
        }
        result.nodes.push_back(node);
        for (ValueId& input : result.nodes.back().inputs) input = values[input];
        values.push_back(result.node_count());
    }
    find_units(result);
    return result;
}

}  // namespace adaq
