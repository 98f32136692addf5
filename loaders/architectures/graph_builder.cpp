#include "loaders/architectures/graph_builder.h"

#include "engine/graph/node_kind.h"

namespace adaq {
namespace {

std::vector<int64_t> pair(int64_t value) { return {value, value}; }

}  // namespace

ValueId append_node(Graph& graph, const char* kind, const std::string& name, std::vector<ValueId> inputs,
                    Attributes attributes, int unit) {
    const std::string_view word = kind;
    const uint32_t before = graph.nodes.empty() ? 0 : graph.nodes.back().stream;
    const uint32_t stream = before + (word != "batch_norm" && word != "activation" ? 1 : 0);
    graph.nodes.push_back({&node_kind(kind), name, std::move(inputs), std::move(attributes), unit, stream});
    return graph.node_count();
}

GraphBuilder::GraphBuilder(std::string description, int64_t input_channels, bool folded) : folded_(folded) {
    graph_.description = std::move(description);
    graph_.input_channels = input_channels;
}

ValueId GraphBuilder::convolution(const NormedConvolution& c, ValueId x) {
    const bool normed = !c.norm.empty();
    const bool bias = c.bias || (normed && folded_);
    Attributes attributes{{"inputs", c.inputs},
                          {"outputs", c.outputs},
                          {"kernel", pair(c.kernel)},
                          {"stride", pair(c.stride)},
                          {"padding", std::vector<int64_t>(4, c.kernel / 2 * c.dilation)},
                          {"dilation", pair(c.dilation)},
                          {"groups", c.groups},
                          {"bias", int64_t{bias ? 1 : 0}}};
    if (normed && folded_) {
        attributes["norm"] = c.norm;
        if (c.bias) attributes["bias_before_norm"] = int64_t{1};
    }
    const ValueId y = append("convolution", c.name, {x}, std::move(attributes));
    graph_.nodes.back().output = c.output;
    if (!normed || folded_) return y;
    return append("batch_norm", c.norm, {y}, {{"channels", c.outputs}, {"epsilon", 1e-5}});
}

ValueId GraphBuilder::max_pool(const std::string& name, ValueId x, int64_t kernel, int64_t stride, int64_t padding) {
    return append("max_pool", name, {x},
                  {{"kernel", pair(kernel)}, {"stride", pair(stride)}, {"padding", std::vector<int64_t>(4, padding)}});
}

ValueId GraphBuilder::linear(const std::string& name, ValueId x, int64_t inputs, int64_t outputs, bool bias,
                             int64_t map, const std::string& pool) {
    Attributes attributes{{"inputs", inputs}, {"outputs", outputs}, {"bias", int64_t{bias ? 1 : 0}}};
    if (map > 0) attributes["map"] = pair(map);
    if (!pool.empty()) attributes["pool"] = pool;
    return append("linear", name, {x}, std::move(attributes));
}

void GraphBuilder::pooled_head(const std::string& name, ValueId x, int64_t inputs, int64_t classes, bool bias) {
    x = global_average_pool("avgpool", x);
    begin_unit("head");
    linear(name, x, inputs, classes, bias);
    end_unit();
}

void GraphBuilder::begin_unit(const std::string& name) {
    unit_ = static_cast<int>(graph_.units.size());
    Unit unit{name};
    unit.stream = static_cast<uint32_t>(unit_);
    graph_.units.push_back(unit);
}

Graph GraphBuilder::finish() {
    find_units(graph_);
    return std::move(graph_);
}

ValueId GraphBuilder::clamp(const std::string& name, ValueId x, std::optional<double> highest) {
    Attributes attributes{{"lowest", 0.0}};
    if (highest) attributes["highest"] = *highest;
    return append("activation", name, {x}, std::move(attributes));
}

ValueId GraphBuilder::append(const char* kind, const std::string& name, std::vector<ValueId> inputs,
                             Attributes attributes) {
    return append_node(graph_, kind, name, std::move(inputs), std::move(attributes), unit_);
}

}  // namespace adaq
