// Makes the reference device (float64, plain loops).
#pragma once

#include <memory>
#include <vector>

#include "engine/program/device.h"

namespace adaq::reference {

std::unique_ptr<Device> make_reference_device();

/// The float64 values of a tensor of this device, which download() would round.
const std::vector<double>& values_of(const DeviceTensor& tensor);

}  // namespace adaq::reference
