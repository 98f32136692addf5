// Programs of inference: each image by itself, from its row of what is bound to its row of what is written.
#pragma once

#include "engine/device.h"

namespace adaq {

/// Whether every operation is one of a forward pass without anything random or saved, on whole tensors.
bool is_inference(const Program& program);

/// The program some images at a time, so that its temporaries take no more than `most_bytes`, or one image's: the same
/// operations on rows of what is bound, piece by piece. As it is where it takes no more, or is not one of inference.
/// The pieces depend on the program alone.
Program in_pieces(const Program& program, int64_t most_bytes);

}  // namespace adaq
