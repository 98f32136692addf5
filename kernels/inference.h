// Programs of inference: each image by itself, from its row of what is bound to its row of what is written.
#pragma once

#include "engine/device.h"
#include "kernels/element_limit.h"

namespace adaq {

/// Whether every operation is one of a forward pass without anything random or saved, on whole tensors.
bool is_inference(const Program& program);

/// What a piece of such a program may take; a piece of one image takes what it must.
struct PieceLimits {
    int64_t temporary_bytes = int64_t{1} << 30;  // of all temporaries: whole calibration sets must find room beside
    int64_t elements = kMostElements;            // of each tensor, bound or not
};

/// The program some images at a time: the same operations on rows of what is bound, piece by piece. As it is where it
/// keeps the limits, or is not one of inference. The pieces depend on the program and the limits alone.
Program in_pieces(const Program& program, const PieceLimits& limits);

}  // namespace adaq
