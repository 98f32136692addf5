// Kernels of 64 threads that do one thing wrong each.
#include <map>

#include "engine/error.h"
#include "kernels/cuda/ptx.h"
#include "tests/emulator/kernels.h"

namespace adaq::cuda {
namespace {

using Kernel = void (*)(float*);

/// 64 values, written and with a barrier behind them.
__device__ float* take_zeros(SharedMemory& shared) {
    auto* values = shared.take<float>(64);
    values[threadIdx.x] = 0.0f;
    __syncthreads();
    return values;
}

__global__ void no_barrier(float* memory) {
    SharedMemory shared;
    auto* values = take_zeros(shared);
    values[threadIdx.x] = memory[threadIdx.x];
    memory[threadIdx.x] = values[63 - threadIdx.x];
}

__global__ void no_barrier_before_overwriting(float* memory) {
    SharedMemory shared;
    auto* values = shared.take<float>(64);
    values[threadIdx.x] = memory[threadIdx.x];
    __syncthreads();
    memory[threadIdx.x] = values[63 - threadIdx.x];
    values[threadIdx.x] = 0.0f;
}

__global__ void equal_values(float*) {
    SharedMemory shared;
    *shared.take<float>(1) = 1.0f;
}

__global__ void no_syncwarp(float* memory) {
    SharedMemory shared;
    auto* values = take_zeros(shared);
    values[threadIdx.x] = memory[threadIdx.x];
    memory[threadIdx.x] = values[threadIdx.x ^ 1u];
}

__global__ void syncwarp_between_warps(float* memory) {
    SharedMemory shared;
    auto* values = take_zeros(shared);
    values[threadIdx.x] = memory[threadIdx.x];
    __syncwarp();
    memory[threadIdx.x] = values[threadIdx.x ^ 32u];
}

__global__ void divergent_barrier(float* memory) {
    if (threadIdx.x == 5) return;
    __syncthreads();
    memory[threadIdx.x] = 0.0f;
}

__global__ void different_meetings(float* memory) {
    if (threadIdx.x < 32) {
        __syncthreads();
    } else {
        __syncthreads_or(1);
    }
    memory[threadIdx.x] = 0.0f;
}

__global__ void missing_lane(float* memory) {
    if (threadIdx.x % 32 == 3) return;
    memory[threadIdx.x] = __shfl_xor_sync(kAllLanes, memory[threadIdx.x], 1);
}

__global__ void mask_without_caller(float* memory) {
    memory[threadIdx.x] = __shfl_xor_sync(0x0000FFFFu, memory[threadIdx.x], 1);
}

__global__ void copy_not_awaited(float* memory) {
    SharedMemory shared;
    auto* values = shared.take<float>(64);
    cp_async_4(values + threadIdx.x, memory + threadIdx.x, true);
    cp_async_commit();
    __syncthreads();
    memory[threadIdx.x] = values[threadIdx.x];
}

__global__ void copy_without_barrier(float* memory) {
    SharedMemory shared;
    auto* values = shared.take<float>(64);
    cp_async_4(values + threadIdx.x, memory + threadIdx.x, true);
    cp_async_commit();
    cp_async_wait<0>();
    memory[threadIdx.x] = values[63 - threadIdx.x];
}

__global__ void unaligned_copy(float* memory) {
    SharedMemory shared;
    auto* values = shared.take<float>(68);
    if (threadIdx.x == 0) cp_async_16(values, memory + 1, true);
}

__global__ void unaligned_vector(float* memory) {
    if (threadIdx.x != 0) return;
    const float4 four = *reinterpret_cast<const float4*>(memory + 1);
    memory[0] = four.x + four.y + four.z + four.w;
}

__global__ void read_behind_the_end(float* memory) {
    const float next = memory[threadIdx.x + 1];
    __syncthreads();
    memory[threadIdx.x] = next;
}

__global__ void write_behind_the_end(float* memory) { memory[threadIdx.x + 1] = 0.0f; }

__global__ void piece_overrun(float*) {
    SharedMemory shared;
    auto* values = shared.take<float>(63);
    shared.take<float>(1);
    values[threadIdx.x] = 0.0f;
}

__global__ void unwritten_shared(float* memory) {
    SharedMemory shared;
    memory[threadIdx.x] = shared.take<float>(64)[threadIdx.x];
}

__global__ void race_of_blocks(float* memory) {
    if (threadIdx.x == 0) memory[0] = 1.0f;
}

__global__ void read_what_a_block_wrote(float* memory) {
    if (threadIdx.x == 0) memory[1 + blockIdx.x] = memory[blockIdx.x];
}

__global__ void too_much_taken(float*) {
    SharedMemory shared;
    shared.take<float>(65 * 4);
}

__global__ void pieces_in_another_order(float*) {
    SharedMemory shared;
    if (threadIdx.x == 0) {
        shared.take<float>(16);
        shared.take<float>(32);
    } else {
        shared.take<float>(32);
        shared.take<float>(16);
    }
}

__global__ void write_zeros(float* memory) { memory[threadIdx.x] = 0.0f; }

void nothing_kernel(float*) {}

}  // namespace

void make_mistake(const std::string& mistake, float* memory) {
    static const std::map<std::string, Kernel> kernels = {
        {"no barrier", no_barrier},
        {"no barrier before overwriting", no_barrier_before_overwriting},
        {"equal values", equal_values},
        {"no syncwarp", no_syncwarp},
        {"syncwarp between warps", syncwarp_between_warps},
        {"divergent barrier", divergent_barrier},
        {"different meetings", different_meetings},
        {"missing lane", missing_lane},
        {"mask without caller", mask_without_caller},
        {"copy not awaited", copy_not_awaited},
        {"copy without barrier", copy_without_barrier},
        {"unaligned copy", unaligned_copy},
        {"unaligned vector", unaligned_vector},
        {"read behind the end", read_behind_the_end},
        {"write behind the end", write_behind_the_end},
        {"piece overrun", piece_overrun},
        {"unwritten shared", unwritten_shared},
        {"race of blocks", race_of_blocks},
        {"read what a block wrote", read_what_a_block_wrote},
        {"too much taken", too_much_taken},
        {"pieces in another order", pieces_in_another_order},
        {"host memory", write_zeros},
    };
    if (mistake == "too many threads") return launch(nothing_kernel, dim3(1), dim3(1056), 0, nullptr, memory);
    if (mistake == "too much shared memory") {
        return launch(nothing_kernel, dim3(1), dim3(32), 228 * 1024, nullptr, memory);
    }
    const bool two_blocks = mistake == "race of blocks" || mistake == "read what a block wrote";
    launch(kernels.at(mistake), dim3(two_blocks ? 2 : 1), dim3(64), 1024, nullptr, memory);
}

}  // namespace adaq::cuda
