// Gradients of what a whole channel has in common (engine/program/operations.h): its weights' factor and what is added
// to its output. Cost: 8 B read a weight, a block a channel; 4 B (2 B in bf16) read an element of the output's
// gradient. Memory bound. Sums are in double and in fixed orders.
#include "kernels/cuda/arguments.h"
#include "kernels/cuda/column_sums.h"
#include "kernels/cuda/compiled_operation.h"
#include "kernels/cuda/reduce.h"

namespace adaq::cuda {
namespace {

constexpr int kChannelThreads = 256;

__global__ void channel_scale_gradient_kernel(const float* w_hat, const float* w_hat_gradient, const float* factor,
                                              int64_t elements, float* gradient) {
    SharedMemory shared;
    auto* scratch = shared.take<double>(kChannelThreads / kWarp);
    const int64_t k = blockIdx.x;
    double sum = 0.0;
    for (int64_t i = threadIdx.x; inside(i, elements); i += kChannelThreads)
        sum += static_cast<double>(w_hat[k * elements + i] * w_hat_gradient[k * elements + i]);
    sum = block_reduce(sum, scratch);
    if (threadIdx.x == 0) gradient[k] = static_cast<float>(sum / static_cast<double>(factor[k]));
}

/// ColumnSums adds up two terms; the second one is nothing.
struct Values {
    Source x;
    __device__ double2 of(int64_t index, int64_t) const { return {static_cast<double>(x.at(index)), 0.0}; }
};

__global__ void totals_kernel(ColumnSums sums, const double* partials, float* gradient) {
    const int64_t c = int64_t{blockIdx.x} * kChannelThreads + threadIdx.x;
    if (inside(c, sums.channels)) gradient[c] = static_cast<float>(total(partials, sums, 0, c).x);
}

}  // namespace

CompiledOperation compile_operation(const Context& context, const ChannelScaleGradient& op) {
    const int64_t channels = context.shape(op.w_hat)[0], elements = context.count(op.w_hat) / channels;
    const float *w_hat = context.at(op.w_hat), *w_hat_gradient = context.at(op.w_hat_gradient),
                *factor = context.at(op.factor);
    float* gradient = context.at(op.gradient);
    return {0, [=](cudaStream_t stream, void*) {
                launch(channel_scale_gradient_kernel, dim3(blocks_along_x(channels)), dim3(kChannelThreads),
                       block_reduce_bytes<double>(kChannelThreads), stream, w_hat, w_hat_gradient, factor, elements,
                       gradient);
            }};
}

CompiledOperation compile_operation(const Context& context, const ChannelShiftGradient& op) {
    const ColumnSums sums(context.shape(op.dy), 1);
    const Values values{source_of(context, op.dy)};
    float* gradient = context.at(op.gradient);
    const dim3 blocks(blocks_along_x(ceil_div(sums.channels, kChannelThreads)));
    return {sums.scratch_bytes(), [=](cudaStream_t stream, void* scratch) {
                auto* partials = static_cast<double*>(scratch);
                sum_columns(values, sums, partials, stream);
                launch(totals_kernel, blocks, dim3(kChannelThreads), 0, stream, sums, partials, gradient);
            }};
}

}  // namespace adaq::cuda
