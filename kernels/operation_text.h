// An operation as messages name it.
#pragma once

#include <string>

#include "engine/device.h"

namespace adaq {

/// "convolution of 32x56x56x64, 64x3x3x64, 32x56x56x64": what it is, and the tensors that it reads and writes.
std::string describe(const Program& program, const Operation& operation);

/// "operation 3 of 17, convolution of ...": that of a program with this index, counted from 1.
std::string describe(const Program& program, size_t index);

}  // namespace adaq
