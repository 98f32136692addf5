#include "engine/graph/graph.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <set>

#include "engine/error.h"
#include "engine/graph/node_kind.h"
#include "engine/printable.h"

namespace adaq {

bool Graph::operator==(const Graph& other) const {
    const auto same_node = [](const Node& a, const Node& b) {
        return a.kind == b.kind && a.name == b.name && a.inputs == b.inputs && a.attributes == b.attributes &&
               a.unit == b.unit && a.stream == b.stream && a.output_name() == b.output_name();
    };
    const auto same_unit = [](const Unit& a, const Unit& b) { return a.name == b.name && a.stream == b.stream; };
    return input_channels == other.input_channels &&
           std::equal(nodes.begin(), nodes.end(), other.nodes.begin(), other.nodes.end(), same_node) &&
           std::equal(units.begin(), units.end(), other.units.begin(), other.units.end(), same_unit);
}

std::string describe(const Node& node) {
    std::string text(node.kind->name());
    for (const auto& [name, value] : node.attributes) {
        if (const auto* number = std::get_if<int64_t>(&value)) text += fmt::format(" {} {}", name, *number);
        if (const auto* number = std::get_if<double>(&value)) text += fmt::format(" {} {}", name, *number);
        if (const auto* list = std::get_if<std::vector<int64_t>>(&value))
            text += fmt::format(" {} {}", name, fmt::join(*list, ","));
    }
    if (node.activation) text += fmt::format(" clamp {} {}", node.activation.lowest(), node.activation.highest());
    return text;
}

std::vector<NamedShape> parameters_of(const Graph& graph) {
    std::vector<NamedShape> all;
    for (const Node& node : graph.nodes) {
        for (NamedShape& parameter : node.kind->parameters(node)) all.push_back(std::move(parameter));
    }
    return all;
}

int64_t classes_of(const Graph& graph) {
    for (size_t i = graph.nodes.size(); i-- > 0;) {
        if (graph.nodes[i].kind->has_weight()) return graph.nodes[i].integer("outputs");
    }
    data_error("a network without a layer");
}

const std::string& value_name(const Graph& graph, ValueId value) {
    static const std::string input = "input";
    return value == kImage ? input : graph.node(Graph::producer_of(value)).output_name();
}

Indexed<Shape> value_shapes(const Graph& graph, int64_t height, int64_t width) {
    Indexed<Shape> shapes{{height, width, graph.input_channels}};
    for (const Node& node : graph.nodes) {
        std::vector<Shape> inputs;
        for (ValueId input : node.inputs) inputs.push_back(shapes[input]);
        try {
            shapes.push_back(node.kind->shape(node, inputs));
        } catch (const WindowTooLarge&) {
            data_error("images of {}x{} pixels are too small for this network", height, width);
        }
    }
    return shapes;
}

Indexed<int> last_readers(const Graph& graph) {
    Indexed<int> readers(graph.nodes.size() + 1, -1);
    for (int i = 0; i < graph.node_count(); ++i)
        for (ValueId input : graph.node(i).inputs) readers[input] = i;
    return readers;
}

Indexed<int> reader_counts(const Graph& graph) {
    Indexed<int> counts(graph.nodes.size() + 1);
    for (const Node& node : graph.nodes)
        for (ValueId input : node.inputs) ++counts[input];
    return counts;
}

ValueId source_of_codes(const Graph& graph, ValueId value) {
    while (value != kImage && graph.node(Graph::producer_of(value)).kind->keeps_codes())
        value = graph.node(Graph::producer_of(value)).inputs[0];
    return value;
}

bool is_pooled(const Graph& graph, int node) {
    const int next = node + 1;
    return next < graph.node_count() && graph.node(next).kind->keeps_codes() &&
           graph.node(next).inputs[0] == Graph::output_of(node) && reader_counts(graph)[Graph::output_of(node)] == 1;
}

void find_units(Graph& graph) {
    for (Unit& unit : graph.units) unit.first = unit.last = -1;
    for (int i = 0; i < graph.node_count(); ++i) {
        const Node& node = graph.node(i);
        if (node.unit < 0) continue;
        Unit& unit = graph.units[node.unit];
        if (unit.first < 0) unit.first = i;
        if (unit.last >= 0 && unit.last != i)
            data_error("unit {} is in several pieces, expected nodes that follow each other", printable(unit.name));
        unit.last = i + 1;
    }
    for (Unit& unit : graph.units) {
        if (unit.first < 0) data_error("unit {} has no nodes", printable(unit.name));
        std::set<ValueId> read;
        for (int i = unit.first; i < unit.last; ++i)
            for (ValueId input : graph.node(i).inputs)
                if (Graph::producer_of(input) < unit.first) read.insert(input);
        if (read.size() != 1)
            data_error("unit {} reads {} values from outside, expected one", printable(unit.name), read.size());
        unit.input = *read.begin();
    }
    for (const Node& node : graph.nodes) {
        for (ValueId input : node.inputs) {
            const int producer = Graph::producer_of(input), unit = producer < 0 ? -1 : graph.node(producer).unit;
            if (unit >= 0 && unit != node.unit && input != graph.units[unit].output())
                data_error("unit {}: {} within is read by {} outside", printable(graph.units[unit].name),
                           printable(value_name(graph, input)), printable(node.name));
        }
    }
}

void check_graph(const Graph& graph) {
    if (graph.nodes.empty()) data_error("a network without nodes");
    for (int i = 0; i < graph.node_count(); ++i) {
        const Node& node = graph.node(i);
        node.kind->check(node);
        for (ValueId input : node.inputs) {
            if (input < 0 || input > i)
                data_error("{} reads value {}, expected one that stands before it", printable(node.name), input);
        }
        if (node.unit < -1 || node.unit >= graph.units.count())
            data_error("{} is in unit {} of {}", printable(node.name), node.unit, graph.units.size());
    }
    std::set<std::string> names;
    for (const NamedShape& parameter : parameters_of(graph)) {
        if (!names.insert(parameter.name).second) data_error("two parameters are called {}", printable(parameter.name));
    }
    static_cast<void>(classes_of(graph));
}

}  // namespace adaq
