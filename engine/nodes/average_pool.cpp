// Global average pooling: the mean of a map, a channel.
#include "engine/graph/node_kind.h"
#include "engine/nodes/kinds.h"
#include "engine/passes/simulate.h"
#include "engine/passes/train.h"

namespace adaq {
namespace {

class GlobalAveragePoolKind : public NodeKind {
  public:
    std::string_view name() const override { return "global_average_pool"; }

    bool quantises_output() const override { return true; }

    void check(const Node& node) const override {
        expect_inputs(node, 1);
        expect_attributes(node, {});
    }
    Shape shape(const Node& node, std::span<const Shape> inputs) const override {
        if (inputs[0].size() != 3) data_error("{}: an input of {}, expected a map", node.name, to_string(inputs[0]));
        return {inputs[0][2]};
    }

    void simulate(Simulation& program, const Node& node, ValueId output) const override {
        program.average_pool(program.value(node.inputs[0]), output);
    }
    void forward(Training& program, const Node& node, ValueId output) const override {
        program.prepare(output, node.activation);
        const Epilogue epilogue = program.epilogue(output);
        const TensorId mean = epilogue.quantiser ? epilogue.saved : program.output(output);
        program.add(GlobalAveragePool{program.output(node.inputs[0]), mean});
        if (epilogue.quantiser) program.add(FakeQuantise{mean, program.output(output), *epilogue.quantiser});
    }
    void backward(Training& program, const Node& node, ValueId output) const override {
        const ValueId input = node.inputs[0];
        if (!program.wanted(input)) return;
        const TensorId dx = program.room_for_gradient(input);
        program.add(GlobalAveragePoolGradient{program.sum_gradient(node, output), dx});
        program.contribute_tensor(input, dx);
    }
};

}  // namespace

const NodeKind& global_average_pool_kind() {
    static const GlobalAveragePoolKind kind;
    return kind;
}

}  // namespace adaq
