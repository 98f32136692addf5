#include "engine/reconstruction/learned.h"

#include <algorithm>
#include <cmath>

#include "engine/program/buffers.h"
#include "engine/rounding.h"

namespace adaq {
namespace {

/// V with h(V) = fraction: the inverse of h (docs/arithmetic.md section 5).
float start_of(float weight, float scale, RoundingStart start) {
    const float ratio = weight / scale;
    const float up = start == RoundingStart::nearest ? std::rint(ratio) - std::floor(ratio) : ratio - std::floor(ratio);
    return static_cast<float>(-std::log((kZeta - kGamma) / (static_cast<double>(up) - kGamma) - 1.0));
}

}  // namespace

LearnedRounding::LearnedRounding(Device& device, const Network& network, int layer_index, const UnitOptions& options)
    : layer(layer_index) {
    const Layer& l = network.layers[layer_index];
    const LayerCodes& codes = *l.codes;
    grid = codes.grid;
    std::vector<float> initial(l.weight.values.size());
    const size_t per_channel = l.weights_per_channel();
    for (size_t i = 0; i < initial.size(); ++i)
        initial[i] = start_of(l.weight.values[i], codes.scale[codes.group_of(i / per_channel)], options.start);
    const Shape groups{static_cast<int64_t>(codes.scale.size())};
    w = put(device, l.shape, l.weight.values);
    v = put(device, l.shape, initial);
    w_hat = zeros(device, l.shape);
    scale = put(device, groups, codes.scale);
    zero_point = put(device, groups, codes.zero_point);
    if (!l.channel_scale.empty() && options.norms == NormStatistics::fixed)
        channel_scale = put(device, {l.channels()}, l.channel_scale);
    first_moment = zeros(device, l.shape);
    second_moment = zeros(device, l.shape);
    penalty = zeros(device, {1});
}

Rounding LearnedRounding::bind(Program& program) const {
    Rounding rounding;
    rounding.w = program.bind(w);
    rounding.v = program.bind(v);
    rounding.w_hat = program.bind(w_hat);
    rounding.scale = program.bind(scale);
    rounding.zero_point = program.bind(zero_point);
    if (channel_scale) rounding.channel_scale = program.bind(channel_scale);
    rounding.grid = grid;
    return rounding;
}

void LearnedRounding::round(Device& device) const {
    Program program;
    program.add(RoundWeights{bind(program)});
    device.compile(program)->run();
}

void LearnedRounding::freeze(Device& device, Network& network) const {
    Layer& l = network.layers[layer];
    LayerCodes& codes = *l.codes;
    const std::vector<float> learned = get(device, *v);
    const size_t per_channel = l.weights_per_channel();
    for (size_t i = 0; i < learned.size(); ++i) {
        const size_t group = codes.group_of(i / per_channel);
        const float below = std::floor(l.weight.values[i] / codes.scale[group]);
        const float q = below + (learned[i] >= 0.0f ? 1.0f : 0.0f) + codes.zero_point[group];
        codes.centred[i] = std::min(std::max(q, grid.qmin()), grid.qmax()) - codes.zero_point[group];
    }
}

LearnedChannels::LearnedChannels(Device& device, const Network& network, int layer_index) : layer(layer_index) {
    const Layer& l = network.layers[layer_index];
    const Shape channels{l.channels()};
    const auto begin = [&](const std::vector<float>& values) {
        return Variable{put(device, channels, values), zeros(device, channels), zeros(device, channels),
                        zeros(device, channels)};
    };
    factor = begin(std::vector<float>(l.channels(), 1.0f));
    shift = begin(l.channel_shift);
}

ChannelRecord LearnedChannels::describe(Device& device, const std::string& name) const {
    std::vector<float> factors = get(device, *factor.value);
    std::sort(factors.begin(), factors.end());
    return {name, factors.front(), factors[factors.size() / 2], factors.back()};
}

void LearnedChannels::freeze(Device& device, Network& network) const {
    Layer& l = network.layers[layer];
    const std::vector<float> factors = get(device, *factor.value);
    for (size_t k = 0; k < factors.size(); ++k) l.codes->scale[k] *= factors[k];
    l.channel_shift = get(device, *shift.value);
}

MovingNorm::MovingNorm(Device& device, const Network& network, int layer_index) : layer(layer_index) {
    const Layer& l = network.layers[layer_index];
    const Shape channels{l.channels()};
    epsilon = l.norm->epsilon;
    gamma = put(device, channels, l.norm->gamma);
    beta = put(device, channels, l.norm->beta);
    mean = put(device, channels, l.norm->mean);
    variance = put(device, channels, l.norm->variance);
}

void MovingNorm::freeze(Device& device, Network& network) const {
    Layer& l = network.layers[layer];
    KeptNorm moved = *l.norm;
    moved.mean = get(device, *mean);
    moved.variance = get(device, *variance);
    l.keep(std::move(moved));
}

LearnedScale::LearnedScale(Device& device, const Network& network, ValueId value)
    : site(value),
      scale(put(device, {1}, {network.values[value]->scale})),
      gradient(zeros(device, {1})),
      first_moment(zeros(device, {1})),
      second_moment(zeros(device, {1})) {}

void LearnedScale::freeze(Device& device, Network& network) const {
    network.values[site]->scale = get(device, *scale)[0];
}

}  // namespace adaq
