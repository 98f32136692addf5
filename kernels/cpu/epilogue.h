// The part of an epilogue that is done in a pass of its own, after a primitive has summed, scaled and shifted.
#pragma once

#include "kernels/cpu/pointwise.h"
#include "kernels/cpu/step.h"

namespace adaq::cpu {

/// y = quantise(relu(sums + residual_scale * residual)); the sums lie where y does, if that is float32.
void finish_epilogue(const Epilogue& epilogue, const View& view, int64_t count, const float* sums, Target y);

QuantiserValues resolve_quantiser(const OutputQuantiser& quantiser, const View& view);

}  // namespace adaq::cpu
