// The fully connected layer: y = activation(W x + b), then the site's quantiser. Attributes: inputs, outputs, bias;
// map: rows and columns of the map that it reads, flattened (its weight in files: channel by channel, as PyTorch does);
// pool: the name of an average pool that makes that map of larger ones (loaders/architectures/adaptive_pool.h).
#include "engine/graph/node_kind.h"
#include "engine/nodes/kinds.h"
#include "engine/passes/simulate.h"
#include "engine/passes/train.h"

namespace adaq {
namespace {

constexpr int64_t kMostFeatures = 1 << 24;

class LinearKind : public NodeKind {
  public:
    std::string_view name() const override { return "linear"; }
    bool has_weight() const override { return true; }
    bool quantises_output() const override { return true; }

    void check(const Node& node) const override {
        expect_inputs(node, 1);
        expect_attributes(node, {"inputs", "outputs", "bias"}, {"map", "pool"});
        for (const char* features : {"inputs", "outputs"}) expect_integer(node, features, 1, kMostFeatures);
        expect_integer(node, "bias", 0, 1);
        const auto pool = node.attributes.find("pool");
        if (pool != node.attributes.end() &&
            !(std::holds_alternative<std::string>(pool->second) && node.attributes.contains("map")))
            data_error("{}: pool, expected the name of one, and a map", node.name);
        if (!node.attributes.contains("map")) return;
        constexpr int64_t kMostOfAMap = 1024;
        expect_list(node, "map", 2, 1, kMostOfAMap);
        if (node.integer("inputs") % flattened_positions(node) != 0)
            data_error("{}: {} inputs of a map of {}x{}", node.name, node.integer("inputs"), node.list("map")[0],
                       node.list("map")[1]);
    }
    Shape shape(const Node& node, std::span<const Shape> inputs) const override {
        if (node.attributes.contains("map")) {
            const std::vector<int64_t>& map = node.list("map");
            const Shape expected{map[0], map[1], node.integer("inputs") / flattened_positions(node)};
            if (inputs[0] != expected)
                data_error("{}: an input of {}, expected a map of {}", node.name, to_string(inputs[0]),
                           to_string(expected));
        } else if (inputs[0] != Shape{node.integer("inputs")}) {
            data_error("{}: an input of {}, expected {} features", node.name, to_string(inputs[0]),
                       node.integer("inputs"));
        }
        return {node.integer("outputs")};
    }
    std::vector<NamedShape> parameters(const Node& node) const override {
        const int64_t outputs = node.integer("outputs");
        std::vector<NamedShape> all{{node.name + ".weight", {outputs, node.integer("inputs")}}};
        if (node.integer("bias")) all.push_back({node.name + ".bias", {outputs}});
        return all;
    }

    void simulate(Simulation& program, const Node& node, ValueId output) const override {
        const Simulation::Value x = program.value(node.inputs[0]);
        const Simulation::Output y = program.produce(output);
        program.add_layer(Linear{kNone, kNone, kNone}, program.layer(node), x, y, node.activation);
    }
    void forward(Training& program, const Node& node, ValueId output) const override {
        program.prepare(output, node.activation);
        program.add(Linear{program.output(node.inputs[0]), program.weight(node.layer), program.output(output),
                           program.layer_epilogue(output, node.layer)});
    }
    void backward(Training& program, const Node& node, ValueId output) const override {
        const ValueId input = node.inputs[0];
        const TensorId gradient = program.sum_gradient(node, output);
        if (program.learns(node.layer))
            program.add(LinearToWeights{program.output(input), gradient, program.weight_gradient(node.layer)});
        program.add_shift_gradient(node.layer, gradient);
        if (program.wanted(input)) program.contribute(input, LinearToData{gradient, program.weight(node.layer), kNone});
    }
};

}  // namespace

int64_t flattened_positions(const Node& node) {
    const auto found = node.attributes.find("map");
    if (node.kind != &linear_kind() || found == node.attributes.end()) return 1;
    const auto& map = std::get<std::vector<int64_t>>(found->second);
    return map[0] * map[1];
}

const NodeKind& linear_kind() {
    static const LinearKind kind;
    return kind;
}

}  // namespace adaq
