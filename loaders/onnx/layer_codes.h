// A layer's weight and bias as an ONNX file has them. What a kept batch norm multiplies its channels with is in the
// weight's scales.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "engine/graph/network.h"
#include "loaders/onnx/target.h"

namespace adaq::onnx {

/// Integers in fewer bits than a byte, which the runtime unpacks as it loads them: int8 code = packed code - shift.
struct PackedCodes {
    DataType type = DataType::int4;
    std::vector<int32_t> codes;
    std::vector<int32_t> shift;  // [K]; empty: 0
};

/// Integers of int8 in the order of files (KCRS): (code - zero point) * scale.
struct LayerWeight {
    std::vector<int32_t> codes;
    std::vector<float> scale;           // 1 or K
    std::vector<int32_t> zero_point;    // as many; empty: all 0
    std::optional<PackedCodes> packed;  // the codes once more, as the file has them

    size_t group_of(int64_t channel) const { return scale.size() == 1 ? 0 : static_cast<size_t>(channel); }
};

/// Codes around zero (q - z) where they fit, else with a zero point, where `allowed` has it. DataError naming file,
/// layer and channel where they do not fit. narrowest: bits of the narrowest type to pack codes into; 8: none.
LayerWeight layer_weight(const std::string& file, const Layer& layer, const QuantisedWeight& weight, int narrowest,
                         TargetRules::ZeroPoints allowed, const char* runtime);

/// The values of a layer's weight in float, in the order of files, quantised or not.
std::vector<float> float_weight(const Layer& layer, const StoredModel& model);

/// The bias in units of input scale times weight scale: as the layer has it, or where every channel's bias is such a
/// number to float's precision.
std::optional<QuantisedBias> integer_bias(const Layer& layer, const LayerWeight& weight, float input_scale);

/// The largest sum of two weights' sizes within a channel: what a processor without VNNI adds up in 16 bits.
int largest_pair(const LayerWeight& weight, int64_t channels);

}  // namespace adaq::onnx
