// Instructions that C++ has no words for, each a small device function. The emulator has its own version of each
// (kernels/emulator/ptx.h), so that no kernel contains assembly of its own.
#pragma once

#include "engine/bf16.h"
#include "kernels/cuda/platform.h"

#if defined(ADAQ_EMULATE)
#include "kernels/emulator/ptx.h"
#else

namespace adaq::cuda {

/// Whether code for this architecture may multiply on tensor cores in tf32 and bf16.
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ < 800
inline constexpr bool kTensorCores = false;
#else
inline constexpr bool kTensorCores = true;
#endif

/// Whether it may be for a card that multiplies codes 8 x 8 x 16 at a time, and no more.
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 800
inline constexpr bool kTuringCores = false;
#else
inline constexpr bool kTuringCores = true;
#endif

__device__ inline uint32_t shared_address(const void* p) { return static_cast<uint32_t>(__cvta_generic_to_shared(p)); }

/// Copies 16 bytes from device to shared memory in the background, or writes zeros where not valid (`from` is then not
/// read). Both addresses at multiples of 16. Below sm_80 the copy happens at once.
__device__ inline void cp_async_16(void* to, const void* from, bool valid) {
#if __CUDA_ARCH__ >= 800
    asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(shared_address(to)), "l"(from),
                 "r"(valid ? 16 : 0)
                 : "memory");
#else
    *static_cast<uint4*>(to) = valid ? *static_cast<const uint4*>(from) : uint4{0, 0, 0, 0};
#endif
}

/// The same for 4 bytes.
__device__ inline void cp_async_4(void* to, const void* from, bool valid) {
#if __CUDA_ARCH__ >= 800
    asm volatile("cp.async.ca.shared.global [%0], [%1], 4, %2;" ::"r"(shared_address(to)), "l"(from), "r"(valid ? 4 : 0)
                 : "memory");
#else
    *static_cast<uint32_t*>(to) = valid ? *static_cast<const uint32_t*>(from) : 0u;
#endif
}

/// Ends a group of this thread's copies.
__device__ inline void cp_async_commit() {
#if __CUDA_ARCH__ >= 800
    asm volatile("cp.async.commit_group;" ::: "memory");
#endif
}

/// Waits until at most `Pending` of this thread's newest groups are under way. Other threads' copies are seen after a
/// __syncthreads() behind it.
template <int Pending>
__device__ inline void cp_async_wait() {
#if __CUDA_ARCH__ >= 800
    asm volatile("cp.async.wait_group %0;" ::"n"(Pending) : "memory");
#endif
}

/// Four 8x8 matrices of 16-bit elements (or 8x4 of 32-bit ones): lanes 8i ... 8i+7 give the addresses of the rows of
/// matrix i, and of each matrix lane l receives bytes 4 (l % 4) ... of row l / 4.
__device__ inline void ldmatrix_x4(uint32_t (&fragment)[4], const void* row) {
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
                 : "=r"(fragment[0]), "=r"(fragment[1]), "=r"(fragment[2]), "=r"(fragment[3])
                 : "r"(shared_address(row))
                 : "memory");
}

/// The same, each matrix transposed (16-bit elements only).
__device__ inline void ldmatrix_x4_transposed(uint32_t (&fragment)[4], const void* row) {
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0, %1, %2, %3}, [%4];"
                 : "=r"(fragment[0]), "=r"(fragment[1]), "=r"(fragment[2]), "=r"(fragment[3])
                 : "r"(shared_address(row))
                 : "memory");
}

/// d[16,8] += a[16,16] * b[16,8] in bf16 with float sums (PTX ISA: fragments of mma.m16n8k16). Needs sm_80.
__device__ inline void mma_bf16(float (&d)[4], const uint32_t (&a)[4], const uint32_t (&b)[2]) {
#if __CUDA_ARCH__ >= 800
    asm volatile(
        "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, "
        "{%0, %1, %2, %3};"
        : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
#endif
}

/// d[16,8] += a[16,8] * b[8,8] in tf32 with float sums (mma.m16n8k8). Operands are floats rounded by to_tf32. Needs
/// sm_80.
__device__ inline void mma_tf32(float (&d)[4], const uint32_t (&a)[4], const uint32_t (&b)[2]) {
#if __CUDA_ARCH__ >= 800
    asm volatile(
        "mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, "
        "{%0, %1, %2, %3};"
        : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
#endif
}

/// d[16,8] += a[16,32] * b[32,8], a unsigned and b signed 8-bit integers, modulo 2^32 (mma.m16n8k32). Needs sm_80.
__device__ inline void mma_codes(int32_t (&d)[4], const uint32_t (&a)[4], const uint32_t (&b)[2]) {
#if __CUDA_ARCH__ >= 800
    asm volatile(
        "mma.sync.aligned.m16n8k32.row.col.s32.u8.s8.s32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, "
        "{%0, %1, %2, %3};"
        : "+r"(d[0]), "+r"(d[1]), "+r"(d[2]), "+r"(d[3])
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
#endif
}

/// d[8,8] += a[8,16] * b[16,8] of the same (mma.m8n8k16); d0, d1: a lane's two sums.
__device__ inline void mma_codes_8x8(int32_t& d0, int32_t& d1, uint32_t a, uint32_t b) {
    asm volatile("mma.sync.aligned.m8n8k16.row.col.s32.u8.s8.s32 {%0, %1}, {%2}, {%3}, {%0, %1};"
                 : "+r"(d0), "+r"(d1)
                 : "r"(a), "r"(b));
}

/// The bits of a float rounded to tf32 (10 bits of fraction, to nearest, ties away from zero). Needs sm_80.
__device__ inline uint32_t to_tf32(float x) {
    uint32_t bits = __float_as_uint(x);
#if __CUDA_ARCH__ >= 800
    asm("cvt.rna.tf32.f32 %0, %1;" : "=r"(bits) : "f"(x));
#endif
    return bits;
}

/// Two floats rounded to bf16, to nearest, ties to even; `low` in the lower half. Needs sm_80.
__device__ inline uint32_t pack_bf16(float low, float high) {
    uint32_t bits = 0;
#if __CUDA_ARCH__ >= 800
    asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(bits) : "f"(high), "f"(low));
#endif
    return bits;
}

}  // namespace adaq::cuda

#endif
