// Programs of inference: each image by itself, from its row of what is bound to its row of what is written.
#pragma once

#include "engine/program/limits.h"
#include "engine/program/program.h"

namespace adaq {

/// Whether every operation is one of a forward pass without anything random or saved, on whole tensors.
bool is_inference(const Program& program);

/// The program some images at a time: the same operations on rows of what is bound, piece by piece; a piece of one
/// image takes what it must. As it is where it keeps the limits, or is not one of inference. The pieces depend on the
/// program and the limits alone.
Program in_pieces(const Program& program, const DeviceLimits& limits);

}  // namespace adaq
