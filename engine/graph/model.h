// What a weights file holds, whatever its format: the graph as it was trained, how images are prepared, the tensors,
// and, once quantised, the integers with their scales.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "adaq/preprocessing.h"
#include "engine/graph/graph.h"
#include "engine/grid.h"

namespace adaq {

inline constexpr std::array<const char*, 2> kInterpolationNames{"bilinear", "bicubic"};  // by Interpolation

inline const char* name_of(Interpolation interpolation) {
    return kInterpolationNames[static_cast<size_t>(interpolation)];
}

/// Nothing if there is no such name.
inline std::optional<Interpolation> interpolation_named(std::string_view name) {
    for (size_t i = 0; i < kInterpolationNames.size(); ++i)
        if (name == kInterpolationNames[i]) return static_cast<Interpolation>(i);
    return std::nullopt;
}

/// One quantised weight: codes q in [qmin, qmax], row-major in `shape` (KCRS, as in the file), value (q - z) * s.
struct QuantisedWeight {
    Shape shape;
    Grid grid;
    std::string scheme;
    std::vector<int16_t> codes;
    std::vector<float> scale;       // 1 (per layer) or K (per output channel)
    std::vector<float> zero_point;  // as many as scales; whole numbers
};

/// One bias as integers, in units of input scale times weight scale.
struct QuantisedBias {
    std::vector<int32_t> codes;  // [K]
    std::vector<float> scale;    // [K], the unit of each

    static float unit(float input_scale, float weight_scale) {
        return static_cast<float>(double{input_scale} * weight_scale);
    }
    /// As ONNX's DequantizeLinear has it.
    float value(size_t channel) const { return static_cast<float>(codes[channel]) * scale[channel]; }
    Tensor values() const {
        Tensor tensor({static_cast<int64_t>(codes.size())}, std::vector<float>(codes.size()));
        for (size_t k = 0; k < codes.size(); ++k) tensor.values[k] = value(k);
        return tensor;
    }
    bool operator==(const QuantisedBias&) const = default;
};

/// One quantised activation site. Sites bear the name of the value (value_name() of the fused graph): "conv1" (the
/// stem's output), "layer1.0" (a block's output), "fc", and "input" for the network's input.
struct QuantisedActivation {
    Grid grid;
    std::string scheme;
    float scale = 1.0f;
    float zero_point = 0.0f;
};

/// Whose float32 operations lead from a layer's sums to the codes of its output (docs/arithmetic.md section 12).
enum class Arithmetic { adaq, onnxruntime, openvino };

struct Quantisation {
    Arithmetic arithmetic = Arithmetic::adaq;
    bool folded = false;  // batch norms folded: conv biases are in StoredModel::tensors as "<conv>.bias", no bn tensors
    std::map<std::string, QuantisedWeight> weights;          // by tensor name, e.g. "layer1.0.conv1.weight"
    std::map<std::string, QuantisedActivation> activations;  // by site
    std::map<std::string, QuantisedBias> biases;             // by tensor name; the tensors hold their values
    std::string settings = "{}";                             // JSON object: every setting of the run that made it
};

/// Of an input's height and width, pixels.
inline constexpr int kMostInputEdge = 1 << 16;

struct StoredModel {
    Graph graph;  // where batch norms are folded, without them
    std::optional<Preprocessing> preprocessing;
    int input_height = 0, input_width = 0;  // of the images that it was made for, pixels; 0: not known
    std::vector<std::string> class_names;   // empty, or one a class
    std::map<std::string, Tensor> tensors;  // float parameters of the graph by name; convolution weights KCRS
    std::optional<Quantisation> quantisation;
    /// Of the input, pixels: the crop, or what it was made for; 0: not known.
    std::pair<int, int> input_size() const {
        const int crop = preprocessing ? preprocessing->crop : 0;
        return crop > 0 ? std::pair(crop, crop) : std::pair(input_height, input_width);
    }

    std::string extra = "{}";  // JSON object: header keys that adaq does not know, kept when the file is written again
};

}  // namespace adaq
