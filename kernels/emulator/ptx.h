// The emulator's versions of kernels/cuda/ptx.h.
#pragma once

#include <cstdint>
#include <source_location>

#include "engine/bf16.h"
#include "kernels/emulator/copies.h"

namespace adaq::emulator {

void load_matrices(uint32_t (&fragment)[4], const void* row, bool transposed, std::source_location where);
void multiply_bf16(float (&d)[4], const uint32_t (&a)[4], const uint32_t (&b)[2], std::source_location where);
void multiply_tf32(float (&d)[4], const uint32_t (&a)[4], const uint32_t (&b)[2], std::source_location where);
void multiply_codes(int32_t (&d)[4], const uint32_t (&a)[4], const uint32_t (&b)[2], std::source_location where);
void multiply_codes_8x8(int32_t& d0, int32_t& d1, uint32_t a, uint32_t b, std::source_location where);

}  // namespace adaq::emulator

namespace adaq::cuda {

inline constexpr bool kTensorCores = true, kTuringCores = true;

inline void cp_async_16(void* to, const void* from, bool valid) {
    emulator::copies_of_thread().issue(to, from, 16, valid);
}
inline void cp_async_4(void* to, const void* from, bool valid) {
    emulator::copies_of_thread().issue(to, from, 4, valid);
}
inline void cp_async_commit() { emulator::copies_of_thread().commit(); }
template <int Pending>
void cp_async_wait() {
    emulator::copies_of_thread().wait(Pending);
}

inline void ldmatrix_x4(uint32_t (&fragment)[4], const void* row, AdaqWhere where = AdaqWhere::current()) {
    emulator::load_matrices(fragment, row, false, where);
}
inline void ldmatrix_x4_transposed(uint32_t (&fragment)[4], const void* row, AdaqWhere where = AdaqWhere::current()) {
    emulator::load_matrices(fragment, row, true, where);
}

inline void mma_bf16(float (&d)[4], const uint32_t (&a)[4], const uint32_t (&b)[2],
                     AdaqWhere where = AdaqWhere::current()) {
    emulator::multiply_bf16(d, a, b, where);
}
inline void mma_tf32(float (&d)[4], const uint32_t (&a)[4], const uint32_t (&b)[2],
                     AdaqWhere where = AdaqWhere::current()) {
    emulator::multiply_tf32(d, a, b, where);
}

inline void mma_codes(int32_t (&d)[4], const uint32_t (&a)[4], const uint32_t (&b)[2],
                      AdaqWhere where = AdaqWhere::current()) {
    emulator::multiply_codes(d, a, b, where);
}
inline void mma_codes_8x8(int32_t& d0, int32_t& d1, uint32_t a, uint32_t b, AdaqWhere where = AdaqWhere::current()) {
    emulator::multiply_codes_8x8(d0, d1, a, b, where);
}

inline uint32_t to_tf32(float x) {
    const uint32_t bits = __float_as_uint(x);
    if ((bits & 0x7F800000u) == 0x7F800000u) return bits & 0x7FFFFFu ? 0x7FFFFFFFu : bits;  // NaN and infinities
    return (bits + 0x1000u) & ~0x1FFFu;
}

inline uint32_t pack_bf16(float low, float high) {
    return static_cast<uint32_t>(to_bf16(high).bits) << 16 | to_bf16(low).bits;
}

}  // namespace adaq::cuda
