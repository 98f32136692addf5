// Makes the CPU device: oneDNN for convolutions, vectorised loops for the rest; float32, or bf16 operands where the
// processor multiplies them.
#pragma once

#include <memory>

#include "engine/program/device.h"

namespace adaq::cpu {

/// threads: 0 takes every core. Throws UsageError for arithmetic that the processor does not have.
std::unique_ptr<Device> make_cpu_device(int threads, Math math = Math::f32);

}  // namespace adaq::cpu
