// Max pooling. It commutes with a quantiser of positive scale, so codes are pooled as they are. Attributes: kernel,
// stride, padding.
#include "engine/graph/node_kind.h"
#include "engine/nodes/kinds.h"
#include "engine/passes/simulate.h"
#include "engine/passes/train.h"

namespace adaq {
namespace {

class MaxPoolKind : public NodeKind {
  public:
    std::string_view name() const override { return "max_pool"; }
    bool keeps_codes() const override { return true; }

    void check(const Node& node) const override {
        expect_inputs(node, 1);
        expect_attributes(node, {"kernel", "stride", "padding"});
        expect_pooling_window(node);
    }
    Shape shape(const Node& node, std::span<const Shape> inputs) const override {
        if (inputs[0].size() != 3) data_error("{}: an input of {}, expected a map", node.name, to_string(inputs[0]));
        const Window window = window_of(node);
        return {window.positions(inputs[0][0], 0), window.positions(inputs[0][1], 1), inputs[0][2]};
    }

    void simulate(Simulation& program, const Node& node, ValueId output) const override {
        const TensorId x = program.value(node.inputs[0]).id;
        MaxPool op{x, program.produce_scaled_as(output, node.inputs[0])};
        op.window = pooling_window_of(node);
        program.add(op);
    }
    void forward(Training& program, const Node& node, ValueId output) const override {
        program.prepare(output, node.activation);
        MaxPool op{program.output(node.inputs[0]), program.output(output)};
        op.window = pooling_window_of(node);
        program.add(op);
    }
    void backward(Training& program, const Node& node, ValueId output) const override {
        const ValueId input = node.inputs[0];
        if (!program.wanted(input)) return;
        MaxPoolGradient op{program.output(input), program.sum_gradient(node, output), program.room_for_gradient(input)};
        op.window = pooling_window_of(node);
        program.add(op);
        program.contribute_tensor(input, op.dx);
    }
};

}  // namespace

const NodeKind& max_pool_kind() {
    static const MaxPoolKind kind;
    return kind;
}

}  // namespace adaq
