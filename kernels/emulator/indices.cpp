// Where threadIdx and its like are stored. Kernels see them as constants (threads.h), which they are for as long as one
// thread runs; this file, which must not see that declaration, changes them when another thread's turn comes.
#include "kernels/emulator/indices.h"

uint3 threadIdx, blockIdx;
dim3 blockDim, gridDim;

namespace adaq::emulator {

void set_thread_index(const uint3& index) { threadIdx = index; }
void set_block_index(const uint3& index) { blockIdx = index; }
void set_extents(const dim3& grid, const dim3& block) { gridDim = grid, blockDim = block; }

}  // namespace adaq::emulator
