#include "engine/passes/deploy.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <span>

#include "engine/error.h"
#include "engine/printable.h"

namespace adaq {
namespace {

/// The codes of one channel times -1: q becomes qmin + qmax - q, and so does the zero point.
void negate(LayerCodes& codes, size_t channel, std::span<float> centred) {
    codes.zero_point[channel] = codes.grid.qmin() + codes.grid.qmax() - codes.zero_point[channel];
    for (float& code : centred) code = 0.0f - code;
}

void scale_each_channel(Layer& layer) {
    LayerCodes& codes = *layer.codes;
    const auto channels = static_cast<size_t>(layer.channels());
    if (codes.scale.size() == channels) return;
    codes.scale.assign(channels, codes.scale[0]);
    codes.zero_point.assign(channels, codes.zero_point[0]);
}

std::span<float> channel_codes(Layer& layer, size_t channel) {
    const size_t count = layer.weights_per_channel();
    return std::span(layer.codes->centred).subspan(channel * count, count);
}

// ---- biases as integers

float unit_of(const Layer& layer, size_t channel, float input_scale) {
    return QuantisedBias::unit(input_scale, layer.codes->scale[layer.codes->group_of(channel)]);
}

/// So that sums stay within int32 with the products that they are of.
bool fits(double bias, float unit) {
    constexpr double kMostUnits = 1 << 30;
    return unit >= std::numeric_limits<float>::min() && std::fabs(std::rint(bias / unit)) <= kMostUnits;
}

/// Beside a bias of more than 2^30 units a channel's weights are next to nothing. They get a larger unit, in which the
/// bias has 29 bits.
void coarsen(Layer& layer, size_t channel, float input_scale) {
    scale_each_channel(layer);
    constexpr double kSteps = 1 << 29, kSmallest = 0x1p-100;
    float& scale = layer.codes->scale[channel];
    const double before = scale, unit = std::max(std::fabs(layer.channel_shift[channel]) / kSteps, kSmallest);
    scale = static_cast<float>(unit / input_scale);
    for (float& code : channel_codes(layer, channel))
        code = static_cast<float>(std::rint(code * (before / scale)) + 0.0);  // +0: no negative zeros
}

void fuse_channel(LayerCodes& codes, size_t channel, std::span<float> centred, double factor) {
    float& scale = codes.scale[channel];
    scale = static_cast<float>(scale * std::fabs(factor));
    if (factor < 0.0) negate(codes, channel, centred);
    if (scale > 0.0f) return;
    scale = 1.0f;
    std::fill(centred.begin(), centred.end(), 0.0f);
}

}  // namespace

void fuse_norm(Layer& layer) {
    if (layer.channel_scale.empty()) return;
    scale_each_channel(layer);
    for (size_t k = 0; k < layer.channel_scale.size(); ++k)
        fuse_channel(*layer.codes, k, channel_codes(layer, k), layer.channel_scale[k]);
    layer.fold();
}

void snap_bias(Layer& layer, float input_scale) {
    require(layer.channel_scale.empty() && layer.codes, "{}: its bias is snapped behind its norm", layer.name);
    const size_t channels = layer.channel_shift.size();
    QuantisedBias bias{std::vector<int32_t>(channels), std::vector<float>(channels)};
    for (size_t k = 0; k < channels; ++k) {
        const double value = layer.channel_shift[k];
        if (!fits(value, unit_of(layer, k, input_scale))) coarsen(layer, k, input_scale);
        const float unit = unit_of(layer, k, input_scale);
        if (!fits(value, unit))
            data_error(
                "{}: the bias {} of channel {} is beyond the int32 that onnxruntime adds to sums, in units of {}",
                printable(layer.name), value, k, unit);
        bias.scale[k] = unit;
        bias.codes[k] = static_cast<int32_t>(std::rint(value / unit));
        layer.channel_shift[k] = bias.value(k);
    }
    layer.bias_codes = std::move(bias);
}

void finish_layers(Network& network, int first, int last, Deployment target) {
    if (target == Deployment::none) return;
    if (target == Deployment::ort) network.arithmetic = Arithmetic::onnxruntime;
    if (target == Deployment::openvino) network.arithmetic = Arithmetic::openvino;
    for (int i = first; i < last; ++i) {
        const Node& node = network.graph.node(i);
        if (node.layer < 0) continue;
        Layer& layer = network.layers[node.layer];
        fuse_norm(layer);
        const auto& input = network.values[source_of_codes(network.graph, node.inputs[0])];
        if (target == Deployment::ort && input) snap_bias(layer, input->scale);
    }
    if (last == network.graph.node_count()) network.folded = true;
}

}  // namespace adaq
