// Loops over single elements, split over threads: y = quantise(activation(a_scale * a + b_scale * b)) and its shorter
// forms; an epilogue is one where it has to be a pass of its own.
#pragma once

#include <cstdint>
#include <optional>

#include "engine/grid.h"
#include "kernels/cpu/compiled_operation.h"

namespace adaq::cpu {

struct QuantiserValues {
    float scale, zero_point, qmin, qmax;
    float factor;  // what a centred code is multiplied by: the scale, or 1 for codes
};

/// b may be null (and then b_scale is unused); y may be a or b.
struct Pointwise {
    const float* a;
    const float* b;
    float a_scale, b_scale;
    Activation activation;
    std::optional<QuantiserValues> quantiser;
};

void pointwise(const Pointwise& op, int64_t count, Target y);

QuantiserValues resolve_quantiser(const OutputQuantiser& quantiser, const View& view);

/// After a primitive has summed, scaled and shifted: y = quantise(activation(sums + residual_scale * residual)). The
/// sums lie where y does, if that is float32.
void finish_epilogue(const Epilogue& epilogue, const View& view, int64_t count, const float* sums, Target y);

}  // namespace adaq::cpu
