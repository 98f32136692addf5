#include "engine/reconstruction/statistics_emitter.h"

#include <algorithm>
#include <set>

#include "engine/error.h"
#include "engine/graph/node_kind.h"
#include "engine/program/buffers.h"

namespace adaq {

StatisticsEmitter::StatisticsEmitter(Device& device, const Network& network, const Unit& unit,
                                     const Indexed<Shape>& shapes)
    : device_(device), network_(network), shapes_(shapes), input_(unit.input) {
    std::set<ValueId> wanted;
    for (int i = unit.last - 1; i >= unit.first; --i) {
        const Node& node = network.graph.node(i);
        const ValueId output = Graph::output_of(i);
        const bool normalised = node.layer >= 0 && network.layers[node.layer].norm.has_value();
        if (!normalised && !wanted.count(output)) continue;
        require(normalised, "distribution correction: {} stands before a batch norm and has none", node.name);
        wanted.insert(node.inputs[0]);
        convolutions_.push_back({&node, output});
    }
    std::reverse(convolutions_.begin(), convolutions_.end());
}

TensorId StatisticsEmitter::constant(const std::vector<float>& values, const Shape& shape) {
    return program_->bind(put(device_, shape, values));
}

TensorId StatisticsEmitter::temporary(ValueId id) { return program_->temporary(stacked(batch_, shapes_[id])); }

void StatisticsEmitter::forward(Normalised& n) {
    const Layer& l = layer(n);
    const KeptNorm& norm = *l.norm;
    const Shape channels{l.channels()};
    n.weight = constant(l.weight.values, l.shape);
    n.mean = constant(norm.mean, channels);
    n.variance = constant(norm.variance, channels);
    n.x = temporary(n.output);
    const ConvolutionWindow window = convolution_window_of(*n.node);
    program_->add(Convolution{values_.at(n.node->inputs[0]).output, n.weight, n.x, window});
    Value& value = values_[n.output];
    if (value.readers == 0) return;
    value.output = temporary(n.output);
    value.activation = n.node->activation;
    n.gamma = constant(norm.gamma, channels);
    n.inverse_std = program_->temporary(channels);
    BatchNorm op{n.x,
                 value.output,
                 n.gamma,
                 constant(norm.beta, channels),
                 n.mean,
                 n.variance,
                 program_->temporary(channels),
                 n.inverse_std};
    op.epsilon = norm.epsilon;
    op.fixed = true;
    op.epilogue.activation = value.activation;
    program_->add(op);
}

void StatisticsEmitter::backward(const Normalised& n, TensorId loss) {
    StatisticsLoss statistics{n.x, temporary(n.output), loss, n.mean, n.variance};
    statistics.factor = 1.0 / static_cast<double>(batch_);
    if (n.gamma != kNone) statistics.through = ThroughFixedNorm{values_.at(n.output).gradient, n.gamma, n.inverse_std};
    program_->add(statistics);

    Value& input = values_.at(n.node->inputs[0]);
    const ConvolutionWindow window = convolution_window_of(*n.node);
    ConvolutionToData to_input{statistics.dx, n.weight, temporary(n.node->inputs[0]), window};
    to_input.addend = input.gradient;
    // Whoever comes last takes the sum back through the activation.
    if (--input.readers == 0 && input.activation)
        to_input.activation = ActivationGradient{input.output, input.activation};
    program_->add(to_input);
    input.gradient = to_input.dx;
}

TensorId StatisticsEmitter::emit(Program& program, TensorId input, const std::vector<TensorId>& losses,
                                 TensorId addend) {
    require(losses.size() == norms(), "distribution correction: {} losses for {} norms", losses.size(), norms());
    program_ = &program;
    batch_ = program.shape(input)[0];
    values_.clear();
    for (const Normalised& n : convolutions_) ++values_[n.node->inputs[0]].readers;
    Value& v = values_[input_];
    v.output = input;
    v.gradient = addend;
    for (Normalised& n : convolutions_) forward(n);
    for (size_t i = norms(); i-- > 0;) backward(convolutions_[i], losses[i]);
    return values_.at(input_).gradient;
}

}  // namespace adaq
