// The reference device (float64, plain loops), and its tensors.
#pragma once

#include <memory>
#include <vector>

#include "engine/program/device.h"

namespace adaq::reference {

/// float64 in host memory.
struct ReferenceTensor : DeviceTensor {
    ReferenceTensor(const Shape& s, DType d) : DeviceTensor(s, d), values(element_count(s)) {}
    std::vector<double> values;
};

std::unique_ptr<Device> make_reference_device();

/// The float64 values of a tensor of this device, which download() would round.
const std::vector<double>& values_of(const DeviceTensor& tensor);

}  // namespace adaq::reference
