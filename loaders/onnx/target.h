// What each runtime needs of a QDQ file to compute it with integers, and exactly (docs/deployment.md).
#pragma once

#include "loaders/onnx/onnx.h"

namespace adaq::onnx {

struct TargetRules {
    const char* runtime;  // for sentences
    /// Activations are int8 with zero point 0; otherwise uint8, with any.
    bool signed_codes;
    /// Of less than 8 bits: a Min behind the quantiser; otherwise a Clip before it.
    bool min_on_codes;
    /// A bias on the grid of its layer's sums is int32 with a DequantizeLinear; otherwise all are floats.
    bool integer_biases;
    /// Of weights that are multiplied as integers: none but 0, one for all channels, or any.
    enum class ZeroPoints { none, one, any } weight_zero_points;
    /// Float biases of which layers with quantised operands are added by an operator of their own. onnxruntime rounds
    /// the others to integers, but multiplies integers only where bias and layer are one.
    enum class AddedBiases { none, before_floats, all } added_biases;
    /// Weights stay floats where their layer's input does.
    bool float_weights_behind_floats;
    /// Bits of the narrowest type that packed weights may have.
    int narrowest;
};

inline const TargetRules& rules_of(OnnxTarget target) {
    using Zero = TargetRules::ZeroPoints;
    using Added = TargetRules::AddedBiases;
    static constexpr std::array<TargetRules, 4> kRules{{
        {"any runtime", false, false, false, Zero::any, Added::all, false, 4},
        {"onnxruntime", false, true, true, Zero::one, Added::before_floats, false, 2},
        {"OpenVINO", false, false, false, Zero::none, Added::none, true, 4},
        {"TensorRT", true, false, false, Zero::none, Added::none, true, 8},
    }};
    return kRules[static_cast<size_t>(target)];
}

}  // namespace adaq::onnx
