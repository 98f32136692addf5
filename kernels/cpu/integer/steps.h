// Convolutions of a simulation whose sums run in one order, or are exact beyond 2^24 (Sums).
#pragma once

#include "kernels/cpu/step.h"

namespace adaq::cpu {

std::unique_ptr<Step> make_ordered_step(const Program& program, const Convolution& op, const StepSetting& setting);

}  // namespace adaq::cpu
