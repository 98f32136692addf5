// What cuBLAS makes of a large matrix product: the measured limit of the card's arithmetic.
#pragma once

#include "engine/program/device.h"

namespace adaq::cuda {

/// Flops a second, a multiply-add counted as two, of a product of random 8192 x 8192 matrices in float32 with operands
/// taken as `math` says (bf16: stored as bf16). 0 where cuBLAS is missing.
double cublas_flops(Math math);

}  // namespace adaq::cuda
