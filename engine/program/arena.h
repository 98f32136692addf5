// Where a program's temporaries lie: in one piece of memory, in which tensors that are never needed at the same time
// share room.
#pragma once

#include <cstdint>
#include <vector>

#include "engine/program/device.h"

namespace adaq {

struct Arena {
    int64_t floats = 0;
    Indexed<int64_t> offsets;  // by tensor; floats; -1 for what is bound, part of another tensor or not used
};

/// Every offset is a multiple of 64 bytes. The places depend on the program alone.
Arena make_arena(const Program& program);

}  // namespace adaq
