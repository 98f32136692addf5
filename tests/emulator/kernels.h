// Small kernels that use everything the emulator has, and kernels that do one thing wrong each.
#pragma once

#include <cstdint>
#include <string>

#include "kernels/cuda/check.h"

namespace adaq::cuda {

/// out[b] = sum of in[b * 256 ...], 256 threads a block.
void sum_blocks(const float* in, float* out, int blocks, cudaStream_t stream = nullptr);
/// out[columns, rows] = in[rows, columns], through 32 x 32 tiles in shared memory.
void transpose(const float* in, float* out, int rows, int columns);
/// out[i] = 2 * in[i] for count % 128 == 0, through two stages of cp.async.
void double_in_background(const float* in, float* out, int count);
/// d[16, 8] = a[16, 16] * b[16, 8]: a and b in bf16 as bits, both through ldmatrix.
void multiply_bf16(const uint16_t* a, const uint16_t* b, float* d);
/// d[16, 8] = a[16, 8] * b[8, 8] in tf32.
void multiply_tf32(const float* a, const float* b, float* d);
/// d[16, 8] += a[16, 32] * b[32, 8] of codes and weights, by one instruction or by those of 8 x 8 x 16.
void multiply_codes(const uint8_t* a, const int8_t* b, int32_t* d, bool by_quarters);
/// The sum over all blocks by the last block to finish; ticket[0] is 0 before and after.
void sum_by_last_block(const float* in, float* partials, float* out, unsigned* ticket, int blocks, bool with_fence);
/// order[i]: which of a block's 64 threads came i-th.
void arrival_order(unsigned* counter, unsigned* order);

/// One kernel a mistake; `memory` has 64 floats, all written.
void make_mistake(const std::string& mistake, float* memory);

}  // namespace adaq::cuda
