#include "engine/reconstruction/training_emitter.h"

#include <cmath>

#include "engine/error.h"
#include "engine/reconstruction/buffers.h"

namespace adaq {

TrainingEmitter::TrainingEmitter(Device& device, const Network& network, const Stretch& stretch,
                                 const UnitOptions& options, const std::vector<Shape>& shapes, Program& program,
                                 TensorId state)
    : device_(device),
      network_(network),
      stretch_(stretch),
      options_(options),
      shapes_(shapes),
      program_(program),
      state_(state) {}

void TrainingEmitter::learn(const LearnedRounding& rounding) { roundings_[rounding.layer] = &rounding; }
void TrainingEmitter::learn(const LearnedChannels& channels) { channels_[channels.layer] = &channels; }
void TrainingEmitter::learn(const LearnedScale& scale) { scales_[scale.site] = &scale; }
void TrainingEmitter::move(const MovingNorm& norm) { norms_[norm.layer].moving = &norm; }

TensorId TrainingEmitter::temporary(ValueId id) {
    return program_.temporary(stacked(batch_, shapes_[static_cast<size_t>(id)]));
}

TensorId TrainingEmitter::constant(const std::vector<float>& values, const Shape& shape) {
    return program_.bind(put(device_, shape, values));
}

/// Soft where it is learned, else as the network has it: with a fixed batch norm's factor in it either way.
TensorId TrainingEmitter::weight(int layer) {
    const auto found = weights_.find(layer);
    if (found != weights_.end()) return found->second;
    const auto learned = roundings_.find(layer);
    if (learned != roundings_.end()) return weights_[layer] = program_.bind(learned->second->w_hat);
    const Layer& l = network_.layers[static_cast<size_t>(layer)];
    std::vector<float> values = l.codes ? l.codes->centred : l.weight.values;
    const auto per_channel = static_cast<size_t>(l.weights_per_channel());
    for (size_t i = 0; i < values.size(); ++i) {
        const size_t k = i / per_channel;
        if (l.codes) values[i] *= l.codes->scale[l.codes->group_of(static_cast<int64_t>(k))];
        if (!l.channel_scale.empty() && !norms_.count(layer)) values[i] *= l.channel_scale[k];
    }
    return weights_[layer] = constant(values, l.shape);
}

// ---- forward

void TrainingEmitter::prepare(ValueId id, bool relu) {
    Value& v = value(id);
    v.output = temporary(id);
    v.relu = relu;
    const auto& q = network_.values[static_cast<size_t>(id)];
    const bool quantised = q && options_.quantise_activations;
    v.saved = quantised ? temporary(id) : v.output;
    if (!quantised) return;
    const auto learned = scales_.find(id);
    const TensorId scale = learned == scales_.end() ? constant({q->scale}, {1}) : program_.bind(learned->second->scale);
    v.quantiser = OutputQuantiser{q->grid, scale, q->zero_point};
    if (options_.keep_quantised < 1.0f)
        v.quantiser->dropping = Dropping{
            options_.keep_quantised,
            {options_.seed, stretch_.number, options_.phase, 2 + static_cast<uint32_t>(id)},  // 0, 1: batch and mixing
            state_};
}

Epilogue TrainingEmitter::epilogue(ValueId id) {
    const Value& v = value(id);
    Epilogue e;
    e.relu = v.relu;
    e.quantiser = v.quantiser;
    if (v.saved != v.output) e.saved = v.saved;
    return e;
}

Epilogue TrainingEmitter::layer_epilogue(ValueId id, int index) {
    const Layer& layer = network_.layers[static_cast<size_t>(index)];
    Epilogue e = epilogue(id);
    const auto learned = channels_.find(index);
    e.shift = learned == channels_.end() ? constant(layer.channel_shift, {layer.channels()})
                                         : program_.bind(learned->second->shift.value);
    return e;
}

void TrainingEmitter::forward_convolution(const Node& n, ValueId id) {
    const Layer& layer = network_.layers[static_cast<size_t>(n.layer)];
    Convolution convolution{value(n.inputs[0]).output, weight(n.layer), value(id).output, n.stride, n.padding};
    const auto found = norms_.find(n.layer);
    if (found == norms_.end()) {
        convolution.epilogue = layer_epilogue(id, n.layer);
        program_.add(convolution);
        return;
    }
    if (element_count(program_.shape(convolution.y)) == layer.channels())
        data_error("{}: one value a channel has no variance; give a larger --minibatch, or --bn fixed", n.name);
    const MovingNorm& moving = *found->second.moving;
    Norm& norm = found->second;
    norm.x = convolution.y = temporary(id);
    norm.mean = program_.temporary({layer.channels()});
    norm.inverse_std = program_.temporary({layer.channels()});
    program_.add(convolution);
    BatchNorm batch_norm{norm.x,
                         value(id).output,
                         program_.bind(moving.gamma),
                         program_.bind(moving.beta),
                         program_.bind(moving.mean),
                         program_.bind(moving.variance),
                         norm.mean,
                         norm.inverse_std};
    batch_norm.epsilon = moving.epsilon;
    batch_norm.epilogue = epilogue(id);
    program_.add(batch_norm);
}

void TrainingEmitter::forward_node(int index) {
    const Node& n = node(index);
    const ValueId id = Graph::output_of(index);
    for (ValueId input : n.inputs) ++value(input).readers;
    prepare(id, n.relu);
    const Value& v = value(id);
    const TensorId x = value(n.inputs[0]).output;
    switch (n.kind) {
        case NodeKind::convolution:
            forward_convolution(n, id);
            return;
        case NodeKind::linear:
            program_.add(Linear{x, weight(n.layer), v.output, layer_epilogue(id, n.layer)});
            return;
        case NodeKind::add:
            program_.add(AddRelu{x, value(n.inputs[1]).output, v.output, 1.0f, 1.0f, v.quantiser,
                                 v.saved == v.output ? kNone : v.saved});
            return;
        case NodeKind::max_pool:
            program_.add(MaxPool{x, v.output, n.kernel, n.stride, n.padding});
            return;
        case NodeKind::global_average_pool:
            program_.add(GlobalAveragePool{x, v.output});
            return;
    }
}

TensorId TrainingEmitter::forward(TensorId input) {
    batch_ = program_.shape(input)[0];
    value(stretch_.input).output = input;
    for (int i = stretch_.first; i < stretch_.last; ++i) forward_node(i);
    return value(stretch_.output()).output;
}

// ---- backward

ActivationGradient TrainingEmitter::activation(ValueId id) {
    const Value& v = value(id);
    ActivationGradient a;
    if (v.relu || v.quantiser) a.value = v.saved;
    a.relu = v.relu;
    a.quantiser = v.quantiser;
    const auto learned = scales_.find(id);
    if (v.quantiser && learned != scales_.end()) {
        a.scale_gradient = program_.bind(learned->second->gradient);
        if (options_.scale_gradient_factor) {
            const auto numel = static_cast<double>(element_count(program_.shape(v.output)));
            a.scale_gradient_factor = 1.0 / std::sqrt(numel * v.quantiser->grid.qmax());
        }
    }
    return a;
}

/// For a reader's gradient: the last one that reaches the unit's input is what was asked for.
TensorId TrainingEmitter::room_for_gradient(ValueId id) {
    return id == stretch_.input && value(id).readers == 1 ? input_gradient_ : temporary(id);
}

template <typename ToData>
void TrainingEmitter::contribute(ValueId id, ToData operation) {
    Value& v = value(id);
    operation.dx = room_for_gradient(id);
    operation.addend = v.partial;
    if (--v.readers == 0) {
        if (v.relu || v.quantiser) operation.activation = activation(id);
        v.sum_gradient = operation.dx;
    }
    v.partial = operation.dx;
    program_.add(operation);
}

void TrainingEmitter::contribute_tensor(ValueId id, TensorId gradient) {
    Value& v = value(id);
    const bool last = --v.readers == 0, changes = last && (v.relu || v.quantiser);
    if (v.partial != kNone || changes) {
        const TensorId sum = temporary(id);
        program_.add(ActivationBackward{gradient, sum, v.partial, changes ? activation(id) : ActivationGradient{}});
        gradient = sum;
    }
    v.partial = gradient;
    if (last) v.sum_gradient = gradient;
}

TensorId TrainingEmitter::through_norm(const Norm& norm, ValueId id, TensorId gradient) {
    const TensorId dx = temporary(id);
    program_.add(
        BatchNormGradient{gradient, norm.x, dx, program_.bind(norm.moving->gamma), norm.mean, norm.inverse_std});
    return dx;
}

void TrainingEmitter::backward_node(int index) {
    const Node& n = node(index);
    const ValueId input = n.inputs[0], output = Graph::output_of(index);
    const TensorId x = value(input).output;
    const bool learned = roundings_.count(n.layer) > 0;
    TensorId gradient = value(output).sum_gradient;
    const auto norm = norms_.find(n.layer);
    if (norm != norms_.end() && (learned || wanted(input))) gradient = through_norm(norm->second, output, gradient);
    if (learned) {
        const TensorId dw = program_.temporary(network_.layers[static_cast<size_t>(n.layer)].shape);
        weight_gradients_[n.layer] = dw;
        if (n.kind == NodeKind::convolution)
            program_.add(ConvolutionToWeights{x, gradient, dw, n.stride, n.padding});
        else
            program_.add(LinearToWeights{x, gradient, dw});
    }
    const auto channels = channels_.find(n.layer);
    if (channels != channels_.end())
        program_.add(ChannelShiftGradient{gradient, program_.bind(channels->second->shift.gradient)});
    switch (n.kind) {
        case NodeKind::convolution:
            if (wanted(input))
                contribute(input, ConvolutionToData{gradient, weight(n.layer), kNone, n.stride, n.padding});
            return;
        case NodeKind::linear:
            if (wanted(input)) contribute(input, LinearToData{gradient, weight(n.layer), kNone});
            return;
        case NodeKind::add:
            for (ValueId term : n.inputs)
                if (wanted(term)) contribute_tensor(term, gradient);
            return;
        case NodeKind::max_pool:
        case NodeKind::global_average_pool: {
            if (!wanted(input)) return;
            const TensorId dx = room_for_gradient(input);
            if (n.kind == NodeKind::max_pool)
                program_.add(MaxPoolGradient{x, gradient, dx, n.kernel, n.stride, n.padding});
            else
                program_.add(GlobalAveragePoolGradient{gradient, dx});
            contribute_tensor(input, dx);
            return;
        }
    }
}

void TrainingEmitter::backward(TensorId output_gradient, TensorId input_gradient) {
    input_gradient_ = input_gradient;
    ++value(stretch_.output()).readers;  // the loss
    contribute_tensor(stretch_.output(), output_gradient);
    for (int i = stretch_.last - 1; i >= stretch_.first; --i) backward_node(i);
    require(input_gradient == kNone || value(stretch_.input).sum_gradient == input_gradient,
            "{}: the first node does not read the input", stretch_.name);
}

/// Before the roundings' own step, which makes w_hat anew with the factors that come out here.
void TrainingEmitter::step_channels(const LearnedChannels& channels) {
    program_.add(ChannelScaleGradient{program_.bind(roundings_.at(channels.layer)->w_hat),
                                      weight_gradients_.at(channels.layer), program_.bind(channels.factor.value),
                                      program_.bind(channels.factor.gradient)});
    constexpr float kSmallestFactor = 0.01f;  // a weight scale neither vanishes nor changes its sign
    for (const auto* v : {&channels.factor, &channels.shift}) {
        AdamStep step{program_.bind(v->value), program_.bind(v->gradient), program_.bind(v->first_moment),
                      program_.bind(v->second_moment), state_};
        step.rate = kChannelRate;
        if (v == &channels.factor) step.minimum = kSmallestFactor;
        program_.add(step);
    }
}

void TrainingEmitter::step() {
    for (const auto& [layer, channels] : channels_) step_channels(*channels);
    for (const auto& [layer, rounding] : roundings_) {
        RoundingStep step;
        step.rounding = rounding->bind(program_);
        step.w_hat_gradient = weight_gradients_.at(layer);
        step.first_moment = program_.bind(rounding->first_moment);
        step.second_moment = program_.bind(rounding->second_moment);
        step.state = state_;
        step.lambda = options_.lambda;
        step.penalty = program_.bind(rounding->penalty);
        program_.add(step);
    }
    constexpr float kSmallestScale = 1e-8f;  // docs/arithmetic.md section 6
    for (const auto& [site, scale] : scales_)
        program_.add(AdamStep{program_.bind(scale->scale), program_.bind(scale->gradient),
                              program_.bind(scale->first_moment), program_.bind(scale->second_moment), state_,
                              kSmallestScale});
}

}  // namespace adaq
