// The part of an epilogue that is done in a pass of its own, after a primitive has summed, scaled and shifted.
#pragma once

#include "kernels/cpu/pointwise.h"
#include "kernels/cpu/step.h"

namespace adaq::cpu {

/// y = quantise(relu(y + residual_scale * residual)), in place.
void finish_epilogue(const Epilogue& epilogue, const View& view, int64_t count, float* y);

QuantiserValues resolve_quantiser(const OutputQuantiser& quantiser, const View& view);

}  // namespace adaq::cpu
