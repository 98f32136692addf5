#include "tests/emulator/warpgroups.h"

#include "kernels/cuda/convolution/tile.h"
#include "kernels/cuda/sm90a/wgmma.h"

namespace adaq::cuda {
namespace {

constexpr int kRows = 64, kK = 32, kThreads = 128;
using Layout = ByRow<kRows, kK>;

struct Arguments {
    const float *a, *b;
    float* d;
    Forgotten forgotten;
};

__device__ void fill(float* stage, const float* b, bool swizzled) {
    for (int i = static_cast<int>(threadIdx.x); i < kRows * kK / kChunk; i += kThreads) {
        const int row = i / (kK / kChunk), k = i % (kK / kChunk) * kChunk;
        cp_async_16(stage + (swizzled ? Layout::index(row, k) : row * kK + k), b + row * kK + k, true);
    }
    cp_async_commit();
}

__global__ void warpgroup_kernel(Arguments p) {
    SharedMemory shared;
    auto* stage = shared.take<float>(Layout::kFloats);
    const auto is = [&](Forgotten what) { return p.forgotten == what; };
    const int lane = static_cast<int>(threadIdx.x) % kWarp, warp = static_cast<int>(threadIdx.x) / kWarp;
    fill(stage, p.b, !is(Forgotten::swizzle));
    cp_async_wait<0>();
    if (!is(Forgotten::proxy_fence)) fence_async_proxy();
    if (!is(Forgotten::barrier)) __syncthreads();
    uint32_t a[4];
    for (int i = 0; i < 4; ++i) {
        const int row = warp * 16 + i % 2 * 8 + lane / 4;
        a[i] = to_tf32(p.a[row * 8 + i / 2 * 4 + lane % 4]);
    }
    float sum[kRows / 2] = {};
    if (!is(Forgotten::fence)) wgmma_fence();
    const bool other = is(Forgotten::same_for_all_warps) && warp == 2;
    wgmma_tf32(sum, a, swizzled_rows(shared_address(stage) + (other ? 32 : 0)));
    if (is(Forgotten::rounding)) a[0] = to_tf32(1.5f);
    if (!is(Forgotten::commit)) wgmma_commit();
    if (is(Forgotten::wait_before_filling)) fill(stage, p.b, true);
    if (!is(Forgotten::wait)) wgmma_wait<0>();
    wgmma_results(sum);
    for (int j = 0; j < kRows / 8; ++j) {
        for (int i = 0; i < 4; ++i) {
            const int row = warp * 16 + i / 2 * 8 + lane / 4, column = j * 8 + lane % 4 * 2 + i % 2;
            p.d[row * kRows + column] = sum[4 * j + i];
        }
    }
}

}  // namespace

void multiply_by_warpgroup(const float* a, const float* b, float* d, Forgotten forgotten) {
    launch(warpgroup_kernel, dim3(1), dim3(kThreads), shared_bytes<float>(Layout::kFloats), nullptr,
           Arguments{a, b, d, forgotten});
}

}  // namespace adaq::cuda
