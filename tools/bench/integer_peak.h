// What this machine's processors can do in integers, measured: a loop of nothing but the multiplications of the integer
// kernels' instructions, in registers.
#pragma once

#include "kernels/cpu/integer/level.h"

namespace adaq {

/// Multiply-adds a second of all threads; 0 where the level has no instructions for them (the baseline).
double measure_integer_peak(cpu::integer::Level level, int threads);

}  // namespace adaq
