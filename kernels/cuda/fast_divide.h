// Division by a number that is known when a kernel is launched: a multiplication and a shift.
// Granlund and Montgomery, "Division by Invariant Integers using Multiplication", PLDI 1994, section 4.
#pragma once

#include "kernels/cuda/platform.h"

namespace adaq::cuda {

/// n / divisor and n % divisor for 0 <= n < 2^31, divisor >= 1.
struct FastDivide {
    uint32_t divisor = 1, multiplier = 1, shift = 0;

    FastDivide() = default;
    explicit FastDivide(int64_t d) : divisor(static_cast<uint32_t>(d)) {
        while ((uint64_t{1} << shift) < divisor) ++shift;
        multiplier = static_cast<uint32_t>((uint64_t{1} << 32) * ((uint64_t{1} << shift) - divisor) / divisor + 1);
    }
    __device__ int quotient(int n) const {
        const auto u = static_cast<uint32_t>(n);
        return static_cast<int>((__umulhi(u, multiplier) + u) >> shift);
    }
    __device__ int remainder(int n, int quotient_of_n) const { return n - quotient_of_n * static_cast<int>(divisor); }
};

}  // namespace adaq::cuda
