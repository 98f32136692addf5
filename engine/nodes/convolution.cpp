// Convolution, with its bias or the batch norm behind it: y = activation(a[k] * conv(x, W)[k] + b[k] + residual), then
// the site's quantiser. Attributes: inputs, outputs (channels), kernel, stride, padding, dilation, groups, bias; norm:
// the name of a batch norm that was folded into it, under which PyTorch looks for one; bias_before_norm: 1 where
// PyTorch looks for a bias before that norm as well.
#include "engine/graph/node_kind.h"
#include "engine/nodes/kinds.h"
#include "engine/passes/simulate.h"
#include "engine/passes/train.h"

namespace adaq {
namespace {

constexpr int64_t kMostChannels = 1 << 20;

class ConvolutionKind : public NodeKind {
  public:
    std::string_view name() const override { return "convolution"; }
    bool has_weight() const override { return true; }
    bool quantises_output() const override { return true; }

    void check(const Node& node) const override {
        expect_inputs(node, 1);
        expect_attributes(node, {"inputs", "outputs", "kernel", "stride", "padding", "dilation", "groups", "bias"},
                          {"norm", "bias_before_norm"});
        for (const char* channels : {"inputs", "outputs", "groups"}) expect_integer(node, channels, 1, kMostChannels);
        expect_integer(node, "bias", 0, 1);
        if (node.attributes.contains("bias_before_norm")) expect_integer(node, "bias_before_norm", 0, 1);
        expect_window(node);
        const int64_t groups = node.integer("groups");
        if (node.integer("inputs") % groups != 0 || node.integer("outputs") % groups != 0)
            data_error("{}: {} groups of {} input and {} output channels", node.name, groups, node.integer("inputs"),
                       node.integer("outputs"));
    }
    Shape shape(const Node& node, std::span<const Shape> inputs) const override {
        const Shape& x = inputs[0];
        if (x.size() != 3 || x[2] != node.integer("inputs"))
            data_error("{}: an input of {}, expected a map of {} channels", node.name, to_string(x),
                       node.integer("inputs"));
        const Window window = window_of(node);
        return {window.positions(x[0], 0), window.positions(x[1], 1), node.integer("outputs")};
    }
    std::vector<NamedShape> parameters(const Node& node) const override {
        const int64_t outputs = node.integer("outputs");
        const std::vector<int64_t>& kernel = node.list("kernel");
        std::vector<NamedShape> all{
            {node.name + ".weight", {outputs, node.integer("inputs") / node.integer("groups"), kernel[0], kernel[1]}}};
        if (node.integer("bias")) all.push_back({node.name + ".bias", {outputs}});
        return all;
    }

    void simulate(Simulation& program, const Node& node, ValueId output) const override {
        if (!program.postpone(node, output)) simulate_sum(program, node, output, nullptr, node.activation);
    }
    /// With what an addition that follows adds to it.
    static void simulate_sum(Simulation& program, const Node& node, ValueId output, const Simulation::Value* residual,
                             const Activation& activation) {
        const ConvolutionWindow window = convolution_window_of(node);
        const Simulation::Value x = program.value(node.inputs[0]);
        const Simulation::Output y = program.produce(output);
        program.add_layer(Convolution{kNone, kNone, kNone, window}, program.layer(node), x, y, activation, residual);
    }

    void forward(Training& program, const Node& node, ValueId output) const override {
        const ConvolutionWindow window = convolution_window_of(node);
        program.prepare(output, node.activation);
        Convolution op{program.output(node.inputs[0]), program.weight(node.layer), program.output(output), window};
        if (program.moves_norm(node.layer)) {
            op.y = program.before_norm(node, output);
            program.add(op);
            program.normalise(node, output);
        } else {
            op.epilogue = program.layer_epilogue(output, node.layer);
            program.add(op);
        }
    }
    void backward(Training& program, const Node& node, ValueId output) const override {
        const ConvolutionWindow window = convolution_window_of(node);
        const ValueId input = node.inputs[0];
        const TensorId x = program.output(input), gradient = program.sum_gradient(node, output);
        if (program.learns(node.layer))
            program.add(ConvolutionToWeights{x, gradient, program.weight_gradient(node.layer), window});
        program.add_shift_gradient(node.layer, gradient);
        if (program.wanted(input))
            program.contribute(input, ConvolutionToData{gradient, program.weight(node.layer), kNone, window});
    }
};

}  // namespace

const NodeKind& convolution_kind() {
    static const ConvolutionKind kind;
    return kind;
}

void simulate_convolution(Simulation& program, const Node& node, ValueId output, const Simulation::Value& residual,
                          const Activation& activation) {
    ConvolutionKind::simulate_sum(program, node, output, &residual, activation);
}

}  // namespace adaq
