// A product by one warpgroup, and what may be forgotten about it.
#pragma once

namespace adaq::cuda {

enum class Forgotten {
    nothing,
    proxy_fence,          // between the copies and the barrier
    barrier,              // behind the copies
    fence,                // wgmma_fence
    commit,               // so that waiting waits for nothing
    wait,                 // before sums are taken
    wait_before_filling,  // the stage is filled anew while products may read it
    swizzle,              // rows lie in plain order, products expect them swizzled
    rounding,             // of operand A's fragments before they are held
    same_for_all_warps,   // one warp multiplies by other rows
};

/// d[64, 64] = a[64, 8] * b[64, 32], the first 8 columns of b, whose values are tf32's.
void multiply_by_warpgroup(const float* a, const float* b, float* d, Forgotten forgotten);

}  // namespace adaq::cuda
