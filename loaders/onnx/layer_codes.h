// A layer's weight and bias as an ONNX file has them. What a kept batch norm multiplies its channels with is in the
// weight's scales.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "engine/graph/network.h"
#include "loaders/onnx/target.h"

namespace adaq::onnx {

/// Integers in the order of files (KCRS): (code - zero point) * scale.
struct LayerWeight {
    DataType type = DataType::int8;
    std::vector<int32_t> codes;
    std::vector<float> scale;         // 1 or K
    std::vector<int32_t> zero_point;  // as many; empty: all 0

    size_t group_of(int64_t channel) const { return scale.size() == 1 ? 0 : static_cast<size_t>(channel); }
};

/// Codes around zero (q - z) where they fit, else with a zero point, where `allowed` has it; with `pack` in the fewest
/// bits. DataError naming file, layer and channel where they do not fit.
LayerWeight layer_weight(const std::string& file, const Layer& layer, const QuantisedWeight& weight, bool pack,
                         TargetRules::ZeroPoints allowed, const char* runtime);

/// The values of a layer's weight in float, in the order of files, quantised or not.
std::vector<float> float_weight(const Layer& layer, const StoredModel& model);

/// The bias in units of input scale times weight scale, [K], and these units; nothing unless every channel's bias is
/// such a number, to float's precision.
struct IntegerBias {
    std::vector<int32_t> codes;
    std::vector<float> scale;
};
std::optional<IntegerBias> integer_bias(const Layer& layer, const LayerWeight& weight, float input_scale);

/// The largest sum of two weights' sizes within a channel: what a processor without VNNI adds up in 16 bits.
int largest_pair(const LayerWeight& weight, int64_t channels);

}  // namespace adaq::onnx
