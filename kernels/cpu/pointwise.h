// Loops over single elements, split over threads: y = quantise(relu(a_scale * a + b_scale * b)) and its shorter forms.
#pragma once

#include <cstdint>
#include <optional>

#include "engine/grid.h"
#include "kernels/cpu/target.h"

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
    bool relu;
    std::optional<QuantiserValues> quantiser;
};

void pointwise(const Pointwise& op, int64_t count, Target y);

}  // namespace adaq::cpu
