// The end of a block: y = activation(a + b), then the site's quantiser. A convolution that nothing stands behind but
// this addition takes it into its epilogue.
#include "engine/graph/node_kind.h"
#include "engine/nodes/kinds.h"
#include "engine/passes/simulate.h"
#include "engine/passes/train.h"

namespace adaq {
namespace {

class AddKind : public NodeKind {
  public:
    std::string_view name() const override { return "add"; }
    bool quantises_output() const override { return true; }

    void check(const Node& node) const override {
        expect_inputs(node, 2);
        expect_attributes(node, {});
    }
    Shape shape(const Node& node, std::span<const Shape> inputs) const override {
        if (inputs[0] != inputs[1])
            data_error("{}: adds {} and {}, expected one shape", node.name, to_string(inputs[0]), to_string(inputs[1]));
        return inputs[0];
    }

    void simulate(Simulation& program, const Node& node, ValueId output) const override {
        const Simulation::Value b = program.value(node.inputs[1]);
        if (const Node* convolution = program.postponed(node.inputs[0])) {
            simulate_convolution(program, *convolution, output, b, node.activation);
            return;
        }
        program.add_terms(program.value(node.inputs[0]), b, output, node.activation);
    }
    void forward(Training& program, const Node& node, ValueId output) const override {
        program.prepare(output, node.activation);
        Addition op{program.output(node.inputs[0]), program.output(node.inputs[1]), program.output(output)};
        const Epilogue epilogue = program.epilogue(output);
        op.activation = epilogue.activation;
        op.quantiser = epilogue.quantiser;
        op.saved = epilogue.saved;
        program.add(op);
    }
    void backward(Training& program, const Node& node, ValueId output) const override {
        const TensorId gradient = program.sum_gradient(node, output);
        for (ValueId term : node.inputs)
            if (program.wanted(term)) program.contribute_tensor(term, gradient);
    }
};

}  // namespace

const NodeKind& add_kind() {
    static const AddKind kind;
    return kind;
}

}  // namespace adaq
