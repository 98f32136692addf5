// Average pooling: over windows, or of a whole map.
//   average_pool          kernel, stride, padding, count_padding (whether padding counts as zeros)
//   global_average_pool   map, where it is 1: the output stays a map [1,1,C]; else it is [C]
#include "engine/graph/node_kind.h"
#include "engine/nodes/kinds.h"
#include "engine/passes/simulate.h"
#include "engine/passes/train.h"

namespace adaq {
namespace {

void expect_map(const Node& node, const Shape& input) {
    if (input.size() != 3) data_error("{}: an input of {}, expected a map", node.name, to_string(input));
}

/// What both have in common on the way forward: `make` adds the operation that writes the mean.
template <typename Make>
void forward_mean(Training& program, const Node& node, ValueId output, const Make& make) {
    program.prepare(output, node.activation);
    const Epilogue epilogue = program.epilogue(output);
    const TensorId mean = epilogue.quantiser ? epilogue.saved : program.output(output);
    make(program.output(node.inputs[0]), mean);
    if (epilogue.quantiser) program.add(FakeQuantise{mean, program.output(output), *epilogue.quantiser});
}

/// And on the way back, of the operation that writes the input's gradient.
template <typename Op>
void backward_mean(Training& program, const Node& node, ValueId output, Op op) {
    const ValueId input = node.inputs[0];
    if (!program.wanted(input)) return;
    op.dx = program.room_for_gradient(input);
    op.dy = program.sum_gradient(node, output);
    program.add(op);
    program.contribute_tensor(input, op.dx);
}

class AveragePoolKind : public NodeKind {
  public:
    std::string_view name() const override { return "average_pool"; }
    bool quantises_output() const override { return true; }

    void check(const Node& node) const override {
        expect_inputs(node, 1);
        expect_attributes(node, {"kernel", "stride", "padding", "count_padding"});
        expect_pooling_window(node);
        expect_integer(node, "count_padding", 0, 1);
    }
    Shape shape(const Node& node, std::span<const Shape> inputs) const override {
        expect_map(node, inputs[0]);
        const Window window = window_of(node);
        return {window.positions(inputs[0][0], 0), window.positions(inputs[0][1], 1), inputs[0][2]};
    }

    void simulate(Simulation& program, const Node& node, ValueId output) const override {
        program.average_pool(program.value(node.inputs[0]), output, pooling_window_of(node), counts_padding(node));
    }
    void forward(Training& program, const Node& node, ValueId output) const override {
        forward_mean(program, node, output, [&](TensorId x, TensorId mean) {
            program.add(AveragePool{x, mean, pooling_window_of(node), counts_padding(node)});
        });
    }
    void backward(Training& program, const Node& node, ValueId output) const override {
        backward_mean(program, node, output,
                      AveragePoolGradient{kNone, kNone, pooling_window_of(node), counts_padding(node)});
    }

  private:
    static bool counts_padding(const Node& node) { return node.integer("count_padding") != 0; }
};

class GlobalAveragePoolKind : public NodeKind {
  public:
    std::string_view name() const override { return "global_average_pool"; }
    bool quantises_output() const override { return true; }

    void check(const Node& node) const override {
        expect_inputs(node, 1);
        expect_attributes(node, {}, {"map"});
        if (node.attributes.contains("map")) expect_integer(node, "map", 0, 1);
    }
    Shape shape(const Node& node, std::span<const Shape> inputs) const override {
        expect_map(node, inputs[0]);
        const bool map = node.attributes.contains("map") && node.integer("map") != 0;
        return map ? Shape{1, 1, inputs[0][2]} : Shape{inputs[0][2]};
    }

    void simulate(Simulation& program, const Node& node, ValueId output) const override {
        program.average_pool(program.value(node.inputs[0]), output);
    }
    void forward(Training& program, const Node& node, ValueId output) const override {
        forward_mean(program, node, output, [&](TensorId x, TensorId mean) {
            program.add(GlobalAveragePool{x, mean});
        });
    }
    void backward(Training& program, const Node& node, ValueId output) const override {
        backward_mean(program, node, output, GlobalAveragePoolGradient{kNone, kNone});
    }
};

}  // namespace

const NodeKind& average_pool_kind() {
    static const AveragePoolKind kind;
    return kind;
}

const NodeKind& global_average_pool_kind() {
    static const GlobalAveragePoolKind kind;
    return kind;
}

}  // namespace adaq
