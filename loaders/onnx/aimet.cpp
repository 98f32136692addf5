// Grids in AIMET's schema 1.0.0, which QAIRT's converter takes beside a float ONNX file: unsigned codes u of `bw` bits,
// value = (u + offset) * scale; see onnx.h.
#include <cmath>
#include <nlohmann/json.hpp>

#include "engine/graph/network.h"
#include "loaders/onnx/onnx.h"
#include "loaders/weights/flat_header.h"

namespace adaq::onnx {
namespace {

using nlohmann::ordered_json;

ordered_json entry(const std::string& name, Grid grid, bool per_channel, const std::vector<float>& scale,
                   const std::vector<int>& offset) {
    bool symmetric = true;
    for (const int each : offset) symmetric = symmetric && each == -(1 << (grid.bits - 1));
    return {{"name", name},        {"bw", grid.bits},
            {"dtype", "INT"},      {"enc_type", per_channel ? "PER_CHANNEL" : "PER_TENSOR"},
            {"is_sym", symmetric}, {"scale", shortest(scale)},
            {"offset", offset}};
}

/// A kept batch norm is in the weights of the float file: its size in their scales, its sign in their grid, which it
/// turns over unless no code needs that.
ordered_json weight_entry(const Layer& layer, const QuantisedWeight& weight) {
    const auto channels = static_cast<size_t>(layer.channels());
    const size_t count = weight.codes.size() / channels;
    const bool per_channel = weight.scale.size() > 1 || !layer.channel_scale.empty();
    const Grid grid{weight.grid.bits, weight.grid.one_sided};  // AIMET knows no narrow ones
    const int qmin = static_cast<int>(grid.qmin()), qmax = static_cast<int>(grid.qmax());
    std::vector<float> scale;
    std::vector<int> offset;
    for (size_t k = 0; k < (per_channel ? channels : 1); ++k) {
        const size_t group = weight.scale.size() == 1 ? 0 : k;
        const int zero_point = static_cast<int>(weight.zero_point[group]);
        const float factor = layer.channel_scale.empty() ? 1.0f : layer.channel_scale[k];
        const auto size =
            static_cast<float>(static_cast<double>(weight.scale[group]) * std::abs(static_cast<double>(factor)));
        scale.push_back(size > 0.0f ? size : 1.0f);
        bool turned = factor < 0.0f;
        if (turned && zero_point == 0) {
            turned = false;
            for (size_t i = k * count; i < (k + 1) * count; ++i) turned = turned || weight.codes[i] == qmin;
        }
        offset.push_back(turned ? zero_point - qmax : qmin - zero_point);
    }
    return entry(layer.name + ".weight", weight.grid, per_channel, scale, offset);
}

}  // namespace

std::string aimet_encodings(const StoredModel& model, const Exported& exported) {
    const Network network = make_network(model, false);
    ordered_json activations = ordered_json::array(), weights = ordered_json::array();
    for (ValueId v = 0; v <= network.graph.node_count(); ++v) {
        const auto& site = network.values[static_cast<size_t>(v)];
        if (!site) continue;
        activations.push_back(entry(exported.values[v], site->grid, false, {site->scale},
                                    {static_cast<int>(site->grid.qmin() - site->zero_point)}));
    }
    for (const Layer& layer : network.layers)
        if (layer.codes) weights.push_back(weight_entry(layer, model.quantisation->weights.at(layer.name + ".weight")));
    const ordered_json text = {{"version", "1.0.0"},
                               {"producer", "adaq"},
                               {"activation_encodings", std::move(activations)},
                               {"param_encodings", std::move(weights)},
                               {"excluded_layers", ordered_json::array()}};
    return text.dump(1) + "\n";
}

}  // namespace adaq::onnx
