// Where a program's temporaries lie: in one piece of memory, in which tensors that are never needed at the same time
// share room.
#pragma once

#include <cstdint>
#include <vector>

#include "engine/device.h"

namespace adaq {

struct Arena {
    int64_t floats = 0;
    std::vector<int64_t> offsets;  // by tensor; -1 for what is bound or part of another tensor
};

/// Every tensor that an operation reads or writes, as often as it does; kNone among them.
std::vector<TensorId> tensors_of(const Operation& operation);

/// Every offset is a multiple of 64 bytes. The places depend on the program alone.
Arena make_arena(const Program& program);

}  // namespace adaq
