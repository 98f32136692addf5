// Makes the CPU device: oneDNN for convolutions, vectorised loops for the rest, float32.
#pragma once

#include <memory>

#include "engine/device.h"

namespace adaq::cpu {

/// threads: 0 takes every core.
std::unique_ptr<Device> make_cpu_device(int threads);

}  // namespace adaq::cpu
