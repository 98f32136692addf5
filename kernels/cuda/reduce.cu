// result[0] = factor * sum of partials: the end of every reduction over blocks.
// Cost: reads 8 B a partial, a few thousand at most. One block of 256 threads, each summing every 256th partial in
// ascending order, then the block's own reduction.
#include "kernels/cuda/reduce.h"

namespace adaq::cuda {
namespace {

constexpr int kReduceThreads = 256;

__global__ void sum_partials_kernel(const double* partials, int64_t count, float factor, float* result,
                                    const float* switched_on) {
    SharedMemory shared;
    auto* scratch = shared.take<double>(kReduceThreads / kWarp);
    double sum = 0.0;
    for (int64_t i = threadIdx.x; inside(i, count); i += kReduceThreads) sum += partials[i];
    sum = block_reduce(sum, scratch);
    if (threadIdx.x != 0) return;
    const bool on = switched_on == nullptr || *switched_on != 0.0f;
    *result = on ? static_cast<float>(static_cast<double>(factor) * sum) : 0.0f;
}

}  // namespace

void sum_partials(const double* partials, int64_t count, float factor, float* result, cudaStream_t stream,
                  const float* switched_on) {
    launch(sum_partials_kernel, dim3(1), dim3(kReduceThreads), block_reduce_bytes<double>(kReduceThreads), stream,
           partials, count, factor, result, switched_on);
}

}  // namespace adaq::cuda
