// Products of a warpgroup (four warps) in the background: sm_90's wgmma, one small device function an instruction. The
// emulator has its own version of each (kernels/emulator/wgmma.h). To be compiled for sm_90a alone.
//
// The order that PTX asks for: copies into shared memory, fence_async_proxy() by whoever waited for them, a barrier;
// wgmma_fence() once the registers of sums and of operand A are as they should be; products; wgmma_commit(); and
// nobody touches those registers or operand B's memory until wgmma_wait().
#pragma once

#include "kernels/cuda/ptx.h"

#if defined(ADAQ_EMULATE)
#include "kernels/emulator/wgmma.h"
#endif

namespace adaq::cuda {

/// What wgmma takes for an operand in shared memory: rows of 128 bytes along k at multiples of 1024 bytes by eights,
/// the 16-byte chunks of row r at places (chunk ^ r % 8), as ByRow<Extent, 32> lays them. The PTX ISA's matrix
/// descriptor: address, distance between groups of 8 rows (both by 16 bytes), swizzle mode 1 (128 bytes). `address` as
/// shared_address() has it; it may point to a later chunk of the first row, which moves along k.
__device__ inline uint64_t swizzled_rows(uint32_t address) {
    constexpr uint64_t kEightRows = 1024 >> 4, kSwizzle128 = 1;
    return uint64_t{address >> 4 & 0x3FFFu} | uint64_t{1} << 16 | kEightRows << 32 | kSwizzle128 << 62;
}

#if !defined(ADAQ_EMULATE)

/// What this thread wrote to shared memory becomes visible to products (which reach it by another way, the "async
/// proxy"), for those behind the next barrier.
__device__ inline void fence_async_proxy() { asm volatile("fence.proxy.async.shared::cta;" ::: "memory"); }

__device__ inline void wgmma_fence() { asm volatile("wgmma.fence.sync.aligned;" ::: "memory"); }
__device__ inline void wgmma_commit() { asm volatile("wgmma.commit_group.sync.aligned;" ::: "memory"); }
template <int Pending>
__device__ inline void wgmma_wait() {
    asm volatile("wgmma.wait_group.sync.aligned %0;" ::"n"(Pending) : "memory");
}

/// Behind wgmma_wait(): the compiler must not have taken a sum out of its register before.
template <int Count>
__device__ inline void wgmma_results(float (&d)[Count]) {
#pragma unroll
    for (int i = 0; i < Count; ++i) asm volatile("" : "+f"(d[i])::"memory");
}

#define ADAQ_SUMS_8(i)                                                                                          \
    "+f"(d[i]), "+f"(d[i + 1]), "+f"(d[i + 2]), "+f"(d[i + 3]), "+f"(d[i + 4]), "+f"(d[i + 5]), "+f"(d[i + 6]), \
        "+f"(d[i + 7])

/// d[64, 2 Count] += a[64, 8] * b[8, 2 Count] in tf32, started. A warp has 16 rows of d and of a, laid out in each 8
/// columns as for mma_tf32; b: swizzled_rows() of 2 Count rows. Operands are floats rounded by to_tf32.
__device__ inline void wgmma_tf32(float (&d)[32], const uint32_t (&a)[4], uint64_t b) {
    asm volatile(
        "{\n.reg .pred add;\nsetp.eq.u32 add, 0, 0;\n"
        "wgmma.mma_async.sync.aligned.m64n64k8.f32.tf32.tf32 "
        "{%0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10, %11, %12, %13, %14, %15, "
        "%16, %17, %18, %19, %20, %21, %22, %23, %24, %25, %26, %27, %28, %29, %30, %31}, "
        "{%32, %33, %34, %35}, %36, add, 1, 1;\n}"
        : ADAQ_SUMS_8(0), ADAQ_SUMS_8(8), ADAQ_SUMS_8(16), ADAQ_SUMS_8(24)
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "l"(b));
}
__device__ inline void wgmma_tf32(float (&d)[64], const uint32_t (&a)[4], uint64_t b) {
    asm volatile(
        "{\n.reg .pred add;\nsetp.eq.u32 add, 0, 0;\n"
        "wgmma.mma_async.sync.aligned.m64n128k8.f32.tf32.tf32 "
        "{%0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10, %11, %12, %13, %14, %15, "
        "%16, %17, %18, %19, %20, %21, %22, %23, %24, %25, %26, %27, %28, %29, %30, %31, "
        "%32, %33, %34, %35, %36, %37, %38, %39, %40, %41, %42, %43, %44, %45, %46, %47, "
        "%48, %49, %50, %51, %52, %53, %54, %55, %56, %57, %58, %59, %60, %61, %62, %63}, "
        "{%64, %65, %66, %67}, %68, add, 1, 1;\n}"
        : ADAQ_SUMS_8(0), ADAQ_SUMS_8(8), ADAQ_SUMS_8(16), ADAQ_SUMS_8(24), ADAQ_SUMS_8(32), ADAQ_SUMS_8(40),
          ADAQ_SUMS_8(48), ADAQ_SUMS_8(56)
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "l"(b));
}

#undef ADAQ_SUMS_8

#endif

}  // namespace adaq::cuda
