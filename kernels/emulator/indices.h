// Setting threadIdx, blockIdx, blockDim and gridDim.
#pragma once

#include "kernels/emulator/types.h"

namespace adaq::emulator {

void set_thread_index(const uint3& index);
void set_block_index(const uint3& index);
void set_extents(const dim3& grid, const dim3& block);

}  // namespace adaq::emulator
