// The forward convolution by sm_90's warpgroups, in tf32: an alternative to forward_step<Math::tf32> with the same
// sums, in the same launcher (steps.cu), where a device was made with `wgmma`.
#pragma once

#include "kernels/cuda/convolution/products.h"

namespace adaq::cuda {

/// Needs sm_90 and operands.vectors.
Step forward_step_wgmma(const Operands& operands, const ForwardFinish& finish, const Card& card);

}  // namespace adaq::cuda
