// A tensor of the reference device: float64 in host memory.
#pragma once

#include <vector>

#include "engine/program/device.h"

namespace adaq::reference {

struct ReferenceTensor : DeviceTensor {
    ReferenceTensor(const Shape& s, DType d) : DeviceTensor(s, d), values(static_cast<size_t>(element_count(s))) {}
    std::vector<double> values;
};

}  // namespace adaq::reference
