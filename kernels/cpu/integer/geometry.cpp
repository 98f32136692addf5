// See geometry.h.
#include "kernels/cpu/integer/geometry.h"

#include "engine/error.h"

namespace adaq::cpu::integer {

void check(const Geometry& g) {
    const auto positive = {g.h, g.w, g.c, g.k, g.r, g.s, g.stride_h, g.stride_w, g.dilation_h, g.dilation_w, g.groups};
    for (const int64_t n : positive) require(n > 0, "convolution: an extent of {}", n);
    for (const int64_t n : {g.top, g.left, g.bottom, g.right}) require(n >= 0, "convolution: a padding of {}", n);
    require(g.c % g.groups == 0 && g.k % g.groups == 0, "convolution: {} and {} channels in {} groups", g.c, g.k,
            g.groups);
    require(g.h + g.top + g.bottom > (g.r - 1) * g.dilation_h && g.w + g.left + g.right > (g.s - 1) * g.dilation_w,
            "convolution: a window of {} x {} on a map of {} x {}", g.r, g.s, g.h, g.w);
}

}  // namespace adaq::cpu::integer
