// What happens to a sum before it is written, and the way back through it: the parts that operations have in common.
#pragma once

#include <optional>

#include "engine/activation.h"
#include "engine/grid.h"
#include "engine/program/tensor_use.h"
#include "engine/random.h"

namespace adaq {

/// QDrop: an element stays quantised with probability `keep`, else it is left as it was. The mask is a function of the
/// element's index in the tensor (NHWC), fresh in each iteration.
struct Dropping {
    float keep = 0.5f;
    Stream stream;
    TensorId state = kNone;  // for the iteration
};

/// Fake quantisation of an operation's output (docs/arithmetic.md section 1), one scale for the whole tensor.
struct OutputQuantiser {
    Grid grid;
    TensorId scale = kNone;   // [1], on the device: it may change between runs
    float zero_point = 0.0f;  // fixed once chosen
    bool codes = false;       // write the integers q - z instead of (q - z) * s
    std::optional<Dropping> dropping = std::nullopt;
};

/// v = activation(scale[k] * sum + shift[k] + residual_scale * residual), y = quantise(v).
struct Epilogue {
    TensorId scale = kNone;       // [K]; none: 1
    TensorId shift = kNone;       // [K]; none: 0
    TensorId residual = kNone;    // shape of y; none: 0
    float residual_scale = 1.0f;  // turns a residual of codes into values
    Activation activation = {};
    std::optional<OutputQuantiser> quantiser = std::nullopt;
    TensorId saved = kNone;  // receives v, for ActivationGradient
};

/// The way back through activation and quantiser: g becomes dL/dv * [v strictly inside the clamp, where there was one],
/// with LSQ's gradients (docs/arithmetic.md section 6) where there was a quantiser. Elements that were dropped pass g
/// on as it is.
struct ActivationGradient {
    TensorId value = kNone;  // v as saved, or y where there was no quantiser
    Activation activation = {};
    std::optional<OutputQuantiser> quantiser = std::nullopt;
    TensorId scale_gradient = kNone;  // [1], overwritten with dL/ds * scale_gradient_factor
    double scale_gradient_factor = 1.0;
};

// ---- their tensors, of the part or of a constant one

void visit_quantiser(auto& quantiser, const auto& visit) {
    if (!quantiser) return;
    visit(quantiser->scale, use::kRead);
    if (quantiser->dropping) visit(quantiser->dropping->state, use::kState);
}

void visit_epilogue(auto& epilogue, const auto& visit) {
    visit(epilogue.scale, use::kRead);
    visit(epilogue.shift, use::kRead);
    visit(epilogue.residual, use::kReadRows);
    visit(epilogue.saved, use::kWriteRows);
    visit_quantiser(epilogue.quantiser, visit);
}

void visit_activation(auto& activation, const auto& visit) {
    visit(activation.value, use::kReadRows);
    visit(activation.scale_gradient, use::kWrite);
    visit_quantiser(activation.quantiser, visit);
}

/// The use of an output behind a quantiser. With no place for the value before it, a quantiser that drops elements
/// works where the output lies, in float32.
inline TensorUse quantised_output(const std::optional<OutputQuantiser>& quantiser, TensorId saved) {
    TensorUse output = use::kRoundable;
    if (quantiser && quantiser->dropping && saved == kNone) output.bf16 = Bf16::no;
    output.codes = quantiser && quantiser->codes;
    return output;
}

}  // namespace adaq
