#include "engine/passes/train.h"

#include <cmath>
#include <span>

#include "engine/error.h"
#include "engine/graph/node_kind.h"
#include "engine/program/buffers.h"

namespace adaq {

Training::Training(Device& device, const Network& network, const Unit& unit, const UnitOptions& options,
                   const Indexed<Shape>& shapes, Program& program, TensorId state)
    : device_(device),
      network_(network),
      unit_(unit),
      options_(options),
      shapes_(shapes),
      program_(program),
      state_(state) {}

void Training::learn(const LearnedRounding& rounding) { roundings_[rounding.layer] = &rounding; }
void Training::learn(const LearnedChannels& channels) { channels_[channels.layer] = &channels; }
void Training::learn(const LearnedScale& scale) { scales_[scale.site] = &scale; }
void Training::move(const MovingNorm& norm) { norms_[norm.layer].moving = &norm; }

TensorId Training::temporary(ValueId id) { return program_.temporary(stacked(batch_, shapes_[id])); }

TensorId Training::constant(const std::vector<float>& values, const Shape& shape) {
    return program_.bind(put(device_, shape, values));
}

TensorId Training::weight(int layer) {
    const auto found = weights_.find(layer);
    if (found != weights_.end()) return found->second;
    const auto learned = roundings_.find(layer);
    if (learned != roundings_.end()) return weights_[layer] = program_.bind(learned->second->w_hat);
    const Layer& l = network_.layers[layer];
    std::vector<float> values = l.codes ? l.codes->centred : l.weight.values;
    const auto scale_filters = [&](auto factor_of) {
        const size_t size = l.weights_per_channel();
        for (size_t k = 0; k * size < values.size(); ++k) {
            const float factor = factor_of(k);
            for (float& value : std::span(values).subspan(k * size, size)) value *= factor;
        }
    };
    if (l.codes) scale_filters([&](size_t k) { return l.codes->scale[l.codes->group_of(k)]; });
    if (!l.channel_scale.empty() && !norms_.count(layer)) scale_filters([&](size_t k) { return l.channel_scale[k]; });
    return weights_[layer] = constant(values, l.shape);
}

// ---- forward

void Training::prepare(ValueId id, const Activation& activation) {
    Value& v = value(id);
    v.output = temporary(id);
    v.activation = activation;
    const auto& q = network_.values[id];
    const bool quantised = q && options_.quantise_activations;
    v.saved = quantised ? temporary(id) : v.output;
    if (!quantised) return;
    const auto learned = scales_.find(id);
    const TensorId scale = learned == scales_.end() ? constant({q->scale}, {1}) : program_.bind(learned->second->scale);
    v.quantiser = OutputQuantiser{q->grid, scale, q->zero_point};
    constexpr uint32_t kFirstSite = 2;  // behind those of a batch's draw and of mixing
    const uint32_t stream = network_.graph.node(Graph::producer_of(id)).stream;
    if (options_.keep_quantised < 1.0f)
        v.quantiser->dropping = Dropping{
            options_.keep_quantised, {options_.seed, unit_.stream, options_.phase, kFirstSite + stream}, state_};
}

Epilogue Training::epilogue(ValueId id) {
    const Value& v = value(id);
    Epilogue e;
    e.activation = v.activation;
    e.quantiser = v.quantiser;
    if (v.saved != v.output) e.saved = v.saved;
    return e;
}

Epilogue Training::layer_epilogue(ValueId id, int index) {
    const Layer& layer = network_.layers[index];
    Epilogue e = epilogue(id);
    const auto learned = channels_.find(index);
    e.shift = learned == channels_.end() ? constant(layer.channel_shift, {layer.channels()})
                                         : program_.bind(learned->second->shift.value);
    return e;
}

TensorId Training::before_norm(const Node& node, ValueId id) {
    const Layer& layer = network_.layers[node.layer];
    Norm& norm = norms_.at(node.layer);
    norm.x = temporary(id);
    if (element_count(program_.shape(norm.x)) == layer.channels())
        data_error("{}: one value a channel has no variance; give a larger `minibatch`, or `bn` fixed", node.name);
    norm.mean = program_.temporary({layer.channels()});
    norm.inverse_std = program_.temporary({layer.channels()});
    return norm.x;
}

void Training::normalise(const Node& node, ValueId id) {
    const Norm& norm = norms_.at(node.layer);
    const MovingNorm& moving = *norm.moving;
    BatchNorm op{norm.x,
                 value(id).output,
                 program_.bind(moving.gamma),
                 program_.bind(moving.beta),
                 program_.bind(moving.mean),
                 program_.bind(moving.variance),
                 norm.mean,
                 norm.inverse_std};
    op.epsilon = moving.epsilon;
    op.epilogue = epilogue(id);
    program_.add(op);
}

TensorId Training::forward(TensorId input) {
    batch_ = program_.shape(input)[0];
    value(unit_.input).output = input;
    for (int i = unit_.first; i < unit_.last; ++i) {
        const Node& node = network_.graph.node(i);
        for (ValueId read : node.inputs) ++value(read).readers;
        node.kind->forward(*this, node, Graph::output_of(i));
    }
    return value(unit_.output()).output;
}

// ---- backward

ActivationGradient Training::activation_gradient(ValueId id) {
    const Value& v = value(id);
    ActivationGradient a;
    if (v.activation || v.quantiser) a.value = v.saved;
    a.activation = v.activation;
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
TensorId Training::room_for_gradient(ValueId id) {
    return id == unit_.input && value(id).readers == 1 ? input_gradient_ : temporary(id);
}

void Training::contribute_tensor(ValueId id, TensorId gradient) {
    Value& v = value(id);
    const bool last = --v.readers == 0, changes = last && (v.activation || v.quantiser);
    if (v.partial != kNone || changes) {
        const TensorId sum = temporary(id);
        program_.add(
            ActivationBackward{gradient, sum, v.partial, changes ? activation_gradient(id) : ActivationGradient{}});
        gradient = sum;
    }
    v.partial = gradient;
    if (last) v.sum_gradient = gradient;
}

TensorId Training::through_norm(const Norm& norm, ValueId id, TensorId gradient) {
    const TensorId dx = temporary(id);
    program_.add(
        BatchNormGradient{gradient, norm.x, dx, program_.bind(norm.moving->gamma), norm.mean, norm.inverse_std});
    return dx;
}

TensorId Training::sum_gradient(const Node& node, ValueId output) {
    const TensorId gradient = value(output).sum_gradient;
    const auto norm = norms_.find(node.layer);
    const bool needed = learns(node.layer) || wanted(node.inputs[0]);
    return norm != norms_.end() && needed ? through_norm(norm->second, output, gradient) : gradient;
}

TensorId Training::weight_gradient(int layer) {
    return weight_gradients_[layer] = program_.temporary(network_.layers[layer].shape);
}

void Training::add_shift_gradient(int layer, TensorId gradient) {
    const auto channels = channels_.find(layer);
    if (channels != channels_.end())
        program_.add(ChannelShiftGradient{gradient, program_.bind(channels->second->shift.gradient)});
}

void Training::backward(TensorId output_gradient, TensorId input_gradient) {
    input_gradient_ = input_gradient;
    ++value(unit_.output()).readers;  // the loss
    contribute_tensor(unit_.output(), output_gradient);
    for (int i = unit_.last - 1; i >= unit_.first; --i) {
        const Node& node = network_.graph.node(i);
        node.kind->backward(*this, node, Graph::output_of(i));
    }
    require(input_gradient == kNone || value(unit_.input).sum_gradient == input_gradient,
            "{}: the first node does not read the input", unit_.name);
}

/// Before the roundings' own step, which makes w_hat anew with the factors that come out here.
void Training::step_channels(const LearnedChannels& channels) {
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

void Training::step() {
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
