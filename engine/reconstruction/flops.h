// Counts the work of a Program in the currency of peak rates.
#pragma once

#include "engine/program/device.h"

namespace adaq {

/// Floating-point operations of one run's convolutions and matrix products with their gradients, a multiply-add counted
/// as two. Padding is counted as work, everything else (pointwise, optimiser, losses) as none.
int64_t product_flops(const Program& program);

}  // namespace adaq
