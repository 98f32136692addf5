// Which tensors of a program a device stores as bf16: with --math bf16 the temporaries that only products read, which
// would round them anyway, and which are written by operations that can round as they write. The bits of every result
// are those of float32 storage (below 2^-126 oneDNN's own rounding, of a convolution's output, gives zero), but for
// sums of rounded gradients (ChannelShiftGradient); memory is written and read by halves, and what two products read is
// rounded once.
#pragma once

#include <vector>

#include "engine/device.h"

namespace adaq {

class Halves {
  public:
    /// None.
    Halves() = default;
    /// Throws std::logic_error where a tensor that is bound as bf16, or rows of one, are used by what only takes
    /// float32.
    Halves(const Program& program, Math math);

    bool operator()(TensorId id) const { return id != kNone && !halves_.empty() && halves_[static_cast<size_t>(id)]; }
    /// Stores the tensor in float32 after all.
    void exclude(TensorId id) {
        if (!halves_.empty()) halves_[static_cast<size_t>(id)] = false;
    }

  private:
    std::vector<bool> halves_;  // by tensor
};

}  // namespace adaq
