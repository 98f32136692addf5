// Kernels that do what they should: a reduction, a transposition, a pipeline of cp.async, matrix products, and "the
// last block does the rest".
#include "tests/emulator/kernels.h"

#include "kernels/cuda/ptx.h"
#include "kernels/cuda/reduce.h"

namespace adaq::cuda {
namespace {

__global__ void sum_blocks_kernel(const float* in, float* out) {
    SharedMemory shared;
    auto* scratch = shared.take<float>(blockDim.x / kWarp);
    const float sum = block_reduce(in[blockIdx.x * blockDim.x + threadIdx.x], scratch);
    if (threadIdx.x == 0) out[blockIdx.x] = sum;
}

constexpr int kTile = 32;

__global__ void transpose_kernel(const float* in, float* out, int rows, int columns) {
    SharedMemory shared;
    auto* tile = shared.take<float>(kTile * (kTile + 1));
    const int row0 = static_cast<int>(blockIdx.y) * kTile, column0 = static_cast<int>(blockIdx.x) * kTile;
    const int x = static_cast<int>(threadIdx.x);
    for (int y = static_cast<int>(threadIdx.y); y < kTile; y += static_cast<int>(blockDim.y)) {
        if (inside(row0 + y, rows) && inside(column0 + x, columns)) {
            tile[y * (kTile + 1) + x] = in[(row0 + y) * columns + column0 + x];
        }
    }
    __syncthreads();
    for (int y = static_cast<int>(threadIdx.y); y < kTile; y += static_cast<int>(blockDim.y)) {
        if (inside(column0 + y, columns) && inside(row0 + x, rows)) {
            out[(column0 + y) * rows + row0 + x] = tile[x * (kTile + 1) + y];
        }
    }
}

__global__ void double_kernel(const float* in, float* out, int count) {
    SharedMemory shared;
    auto* stages = shared.take<float>(2 * 128);
    const int i = static_cast<int>(threadIdx.x) * 4, parts = count / 128;
    const auto fetch = [&](int part) {
        cp_async_16(stages + part % 2 * 128 + i, in + part * 128 + i, inside(part, parts));
        cp_async_commit();
    };
    fetch(0);
    for (int part = 0; part < parts; ++part) {
        if (part + 1 < parts) {
            fetch(part + 1);
        } else {
            cp_async_commit();
        }
        cp_async_wait<1>();
        __syncthreads();
        for (int j = 0; j < 4; ++j) {  // what another thread fetched
            const int at = j * 32 + static_cast<int>(threadIdx.x);
            out[part * 128 + at] = 2.0f * stages[part % 2 * 128 + at];
        }
        __syncthreads();
    }
}

__global__ void bf16_kernel(const uint16_t* a, const uint16_t* b, float* d) {
    SharedMemory shared;
    auto* a_tile = shared.take<uint16_t>(16 * 16);
    auto* b_tile = shared.take<uint16_t>(16 * 8);
    const int lane = static_cast<int>(threadIdx.x), group = lane / 4, pair = lane % 4 * 2;
    for (int i = lane; i < 256; i += kWarp) a_tile[i] = a[i];
    for (int i = lane; i < 128; i += kWarp) b_tile[i] = b[i];
    __syncwarp();
    // Matrices of A in the order of its fragments: rows 0-7 and 8-15 of the left half, then of the right one.
    uint32_t a_fragment[4], b_fragment[4];
    ldmatrix_x4(a_fragment, a_tile + lane % 16 * 16 + lane / 16 * 8);
    ldmatrix_x4_transposed(b_fragment, b_tile + lane % 16 * 8);
    float sum[4] = {};
    mma_bf16(sum, a_fragment, {b_fragment[0], b_fragment[1]});
    d[group * 8 + pair] = sum[0], d[group * 8 + pair + 1] = sum[1];
    d[(group + 8) * 8 + pair] = sum[2], d[(group + 8) * 8 + pair + 1] = sum[3];
}

__global__ void tf32_kernel(const float* a, const float* b, float* d) {
    const int lane = static_cast<int>(threadIdx.x), group = lane / 4, k = lane % 4;
    const uint32_t a_fragment[4] = {to_tf32(a[group * 8 + k]), to_tf32(a[(group + 8) * 8 + k]),
                                    to_tf32(a[group * 8 + k + 4]), to_tf32(a[(group + 8) * 8 + k + 4])};
    const uint32_t b_fragment[2] = {to_tf32(b[k * 8 + group]), to_tf32(b[(k + 4) * 8 + group])};
    float sum[4] = {};
    mma_tf32(sum, a_fragment, b_fragment);
    d[group * 8 + k * 2] = sum[0], d[group * 8 + k * 2 + 1] = sum[1];
    d[(group + 8) * 8 + k * 2] = sum[2], d[(group + 8) * 8 + k * 2 + 1] = sum[3];
}

/// Four values of k, the first in the lowest byte.
template <typename Byte>
__device__ uint32_t word_of(const Byte* first, int step) {
    uint32_t word = 0;
    for (int i = 0; i < 4; ++i) word |= static_cast<uint32_t>(static_cast<uint8_t>(first[i * step])) << (8 * i);
    return word;
}

__global__ void codes_kernel(const uint8_t* a, const int8_t* b, int32_t* d, bool by_quarters) {
    const int lane = static_cast<int>(threadIdx.x), group = lane / 4, k = lane % 4 * 4, column = lane % 4 * 2;
    const uint32_t a_fragment[4] = {word_of(a + group * 32 + k, 1), word_of(a + (group + 8) * 32 + k, 1),
                                    word_of(a + group * 32 + k + 16, 1), word_of(a + (group + 8) * 32 + k + 16, 1)};
    const uint32_t b_fragment[2] = {word_of(b + k * 8 + group, 8), word_of(b + (k + 16) * 8 + group, 8)};
    int32_t* const at[4] = {d + group * 8 + column, d + group * 8 + column + 1, d + (group + 8) * 8 + column,
                            d + (group + 8) * 8 + column + 1};
    int32_t sum[4];
    for (int i = 0; i < 4; ++i) sum[i] = *at[i];
    if (by_quarters) {
        for (int i = 0; i < 4; ++i)  // rows 0 and 8 of the first values of k, then of the others
            mma_codes_8x8(sum[i % 2 * 2], sum[i % 2 * 2 + 1], a_fragment[i], b_fragment[i / 2]);
    } else {
        mma_codes(sum, a_fragment, b_fragment);
    }
    for (int i = 0; i < 4; ++i) *at[i] = sum[i];
}

__global__ void last_block_kernel(const float* in, float* partials, float* out, unsigned* ticket, bool with_fence) {
    SharedMemory shared;
    auto* scratch = shared.take<float>(1);
    auto* last = shared.take<int>(1);
    const float sum = block_reduce(in[blockIdx.x * kWarp + threadIdx.x], scratch);
    if (threadIdx.x == 0) {
        partials[blockIdx.x] = sum;
        if (with_fence) __threadfence();
        *last = atomicAdd(ticket, 1u) == gridDim.x - 1;
    }
    __syncthreads();
    if (!*last) return;
    float total = 0.0f;
    for (unsigned i = 0; inside(i, gridDim.x); ++i) total += partials[i];
    if (threadIdx.x == 0) {
        *out = total;
        *ticket = 0;
    }
}

__global__ void order_kernel(unsigned* counter, unsigned* order) { order[atomicAdd(counter, 1u)] = threadIdx.x; }

}  // namespace

void sum_blocks(const float* in, float* out, int blocks, cudaStream_t stream) {
    launch(sum_blocks_kernel, dim3(static_cast<unsigned>(blocks)), dim3(256), shared_bytes<float>(8), stream, in, out);
}

void transpose(const float* in, float* out, int rows, int columns) {
    const dim3 grid(static_cast<unsigned>(ceil_div(columns, kTile)), static_cast<unsigned>(ceil_div(rows, kTile)));
    launch(transpose_kernel, grid, dim3(kTile, 8), shared_bytes<float>(kTile * (kTile + 1)), nullptr, in, out, rows,
           columns);
}

void double_in_background(const float* in, float* out, int count) {
    launch(double_kernel, dim3(1), dim3(kWarp), shared_bytes<float>(256), nullptr, in, out, count);
}

void multiply_bf16(const uint16_t* a, const uint16_t* b, float* d) {
    launch(bf16_kernel, dim3(1), dim3(kWarp), shared_bytes<uint16_t>(256) + shared_bytes<uint16_t>(128), nullptr, a, b,
           d);
}

void multiply_tf32(const float* a, const float* b, float* d) {
    launch(tf32_kernel, dim3(1), dim3(kWarp), 0, nullptr, a, b, d);
}

void multiply_codes(const uint8_t* a, const int8_t* b, int32_t* d, bool by_quarters) {
    launch(codes_kernel, dim3(1), dim3(kWarp), 0, nullptr, a, b, d, by_quarters);
}

void sum_by_last_block(const float* in, float* partials, float* out, unsigned* ticket, int blocks, bool with_fence) {
    launch(last_block_kernel, dim3(static_cast<unsigned>(blocks)), dim3(kWarp),
           shared_bytes<float>(1) + shared_bytes<int>(1), nullptr, in, partials, out, ticket, with_fence);
}

void arrival_order(unsigned* counter, unsigned* order) {
    launch(order_kernel, dim3(1), dim3(64), 0, nullptr, counter, order);
}

}  // namespace adaq::cuda
