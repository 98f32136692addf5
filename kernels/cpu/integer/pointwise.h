// What is done to tensors of codes beside products: additions, quantising, pooling. epilogue.h has the arithmetic.
#pragma once

#include "kernels/cpu/integer/epilogue.h"
#include "kernels/cpu/integer/geometry.h"
#include "kernels/cpu/integer/level.h"

namespace adaq::cpu::integer {

/// y = result(a.scale * a + b.scale * b), or of a alone where b is not present; with an offset, of codes, by fused
/// multiply-adds: result(a.scale * a + (b.scale * b + offset)). `result` is the epilogue's clamp and
/// quantiser, its other members are not read. y may be a or b, element by element.
struct Addition {
    Operand a, b;
    Epilogue epilogue;
    std::optional<float> offset = std::nullopt;
};
void add(const Addition& addition, int64_t count, const Result& y, int threads,
         const Instructions& instructions = integer::instructions(best_level()));

/// Codes of floats.
void quantise(const float* x, int64_t count, const Quantiser& quantiser, uint8_t* y, int threads,
              const Instructions& instructions = integer::instructions(best_level()));

/// The largest code of each window; k and groups are not read. Windows that lie in the padding altogether are 0.
void max_pool(const Geometry& window, const uint8_t* x, int64_t images, uint8_t* y, int threads);

/// sums[N,C] of codes over maps of `positions`, as they are: without zero point.
void sum_codes(const uint8_t* x, int64_t images, int64_t positions, int64_t channels, int32_t* sums, int threads);

}  // namespace adaq::cpu::integer
