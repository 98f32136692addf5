#include "loaders/weights/graph_json.h"

#include <limits>

#include "engine/error.h"
#include "engine/graph/node_kind.h"

namespace adaq {
namespace {

using nlohmann::json;

constexpr int64_t kMostStream = 4000;  // what a stream's field for sites holds (engine/program/operations/iteration.h)
constexpr int64_t kMostNumber = std::numeric_limits<int64_t>::max();

json attributes_json(const Attributes& attributes) {
    json object = json::object();
    for (const auto& [name, value] : attributes)
        std::visit([&, &key = name](const auto& v) { object[key] = v; }, value);
    return object;
}

Attributes parse_attributes(const JsonField& field) {
    Attributes attributes;
    for (const auto& [name, value] : field.members()) {
        if (value.json().is_array()) {
            std::vector<int64_t> list;
            for (const JsonField& element : value.elements())
                list.push_back(element.integer(-kMostNumber, kMostNumber));
            attributes[name] = std::move(list);
        } else if (value.json().is_string()) {
            attributes[name] = value.text();
        } else if (value.json().is_number_float()) {
            attributes[name] = value.json().get<double>();
        } else {
            attributes[name] = value.integer(-kMostNumber, kMostNumber);
        }
    }
    return attributes;
}

Node parse_node(const JsonField& field, int index, int units) {
    Node node;
    node.kind = find_node_kind(field["kind"].text());
    if (!node.kind) field["kind"].wrong("a kind of node that this adaq knows");
    node.name = field["name"].text();
    for (const JsonField& input : field["inputs"].elements())
        node.inputs.push_back(static_cast<ValueId>(input.integer(0, index)));
    if (field.has("attributes")) node.attributes = parse_attributes(field["attributes"]);
    if (field.has("unit")) node.unit = static_cast<int>(field["unit"].integer(0, units - 1));
    node.stream = static_cast<uint32_t>(field["stream"].integer(0, kMostStream));
    if (field.has("output")) node.output = field["output"].text();
    return node;
}

}  // namespace

json graph_json(const Graph& graph) {
    json nodes = json::array(), units = json::array();
    for (const Node& node : graph.nodes) {
        json entry{{"kind", std::string(node.kind->name())},
                   {"name", node.name},
                   {"inputs", node.inputs},
                   {"stream", node.stream}};
        if (!node.attributes.empty()) entry["attributes"] = attributes_json(node.attributes);
        if (node.unit >= 0) entry["unit"] = node.unit;
        if (!node.output.empty()) entry["output"] = node.output;
        nodes.push_back(std::move(entry));
    }
    for (const Unit& unit : graph.units) units.push_back({{"name", unit.name}, {"stream", unit.stream}});
    return {{"description", graph.description},
            {"input_channels", graph.input_channels},
            {"nodes", std::move(nodes)},
            {"units", std::move(units)}};
}

Graph parse_graph(const std::string& file, const JsonField& field) {
    Graph graph;
    graph.description = field["description"].text();
    graph.input_channels = field["input_channels"].integer(1, 3);
    if (graph.input_channels == 2) field["input_channels"].wrong("1 or 3");
    for (const JsonField& entry : field["units"].elements()) {
        Unit unit{entry["name"].text()};
        unit.stream = static_cast<uint32_t>(entry["stream"].integer(0, kMostStream));
        graph.units.push_back(std::move(unit));
    }
    const std::vector<JsonField> nodes = field["nodes"].elements();
    for (size_t i = 0; i < nodes.size(); ++i)
        graph.nodes.push_back(parse_node(nodes[i], static_cast<int>(i), static_cast<int>(graph.units.size())));
    try {
        check_graph(graph);
        find_units(graph);
    } catch (const DataError& error) {
        data_error("{}: header.graph: {}", file, error.what());
    }
    return graph;
}

}  // namespace adaq
