// Makes the reference device (float64, plain loops).
#pragma once

#include <memory>

#include "engine/device.h"

namespace adaq::reference {

std::unique_ptr<Device> make_reference_device();

}  // namespace adaq::reference
