// Values to bf16 and back, many at a time.
#pragma once

#include <cstdint>

#include "engine/bf16.h"

namespace adaq::cpu {

/// bf16(x[i]) at y, on all threads.
void round_to_bf16(const float* x, int64_t count, void* y);

/// The same in the thread that calls.
void round_row_to_bf16(const float* x, int64_t count, bf16* y);

/// Values as bf16 holds them, still in float32.
void round_in_place(int64_t count, float* x);

/// The same of x, or of what x stores as bf16, at y.
void rounded_values(const float* x, bool stored_half, int64_t count, float* y);

/// Elements [first, first + count) of it, in the thread that calls.
void rounded_row(const float* x, bool stored_half, int64_t first, int64_t count, float* y);

/// y[i] = x[i] in the thread that calls.
void widen_row(const bf16* x, int64_t count, float* y);

}  // namespace adaq::cpu
