// Which temporaries of a program are stored as bf16: with products of bf16 those that only products read, which would
// round them anyway, and which are written by operations that can round as they write. The bits of every result are
// those of float32 storage (below 2^-126 oneDNN's own rounding, of a convolution's output, gives zero), but for sums of
// rounded gradients (ChannelShiftGradient); memory is written and read by halves, and what two products read is rounded
// once.
#pragma once

#include "engine/program/device.h"

namespace adaq {

/// Gives such temporaries the type bf16. Throws std::logic_error where a tensor that is bound as bf16, or rows of one,
/// are used by what only takes float32.
void store_as_bf16(Program& program, Math math);

}  // namespace adaq
