// Fake quantisation with a scale and zero point of each channel (the first extent), both ways.
// Cost: forward 4 B read and 4 B written an element, 8 flops with one division, runs of 8 elements a thread; backward
// 8 B read and 4 B written, a block a channel, which sums the channel's scale gradient. Memory bound.
#include "kernels/cuda/elements.h"
#include "kernels/cuda/fast_divide.h"
#include "kernels/cuda/step.h"

namespace adaq::cuda {
namespace {

struct ChannelGrid {
    const float *scale, *zero_point;  // [K]
    float qmin, qmax;
};

struct QuantiseChannelsWork {
    const float* x;
    float* y;
    ChannelGrid grid;
    FastDivide elements;  // of a channel

    template <int Count>
    __device__ void run(int64_t first) const {
        const int k = elements.quotient(static_cast<int>(first));
        const float scale = grid.scale[k], zero_point = grid.zero_point[k];
        float v[Count];
        load_run<Count>(v, x + first);
#pragma unroll
        for (int i = 0; i < Count; ++i) v[i] = fake_quantise(v[i], scale, zero_point, grid.qmin, grid.qmax);
        store_run<Count>(y + first, v);
    }
    __device__ const QuantiseChannelsWork& load() const { return *this; }
};

constexpr int kThreads = 256;

__global__ void channels_gradient_kernel(const float* x, const float* dy, float* dx, ChannelGrid grid, int64_t elements,
                                         float* scale_gradient) {
    SharedMemory shared;
    auto* scratch = shared.take<double>(kThreads / kWarp);
    const int64_t k = blockIdx.x;
    QuantiserArguments arguments;
    arguments.scale = grid.scale + k;
    arguments.zero_point = grid.zero_point[k];
    arguments.qmin = grid.qmin;
    arguments.qmax = grid.qmax;
    const LoadedQuantiser quantiser(arguments);
    double sum = 0.0;
    for (int64_t i = threadIdx.x; inside(i, elements); i += kThreads) {
        const int64_t index = k * elements + i;
        float g[1] = {dy[index]};
        const float v[1] = {x[index]};
        sum += static_cast<double>(quantiser.pass_back<1>(g, v, index));
        dx[index] = g[0];
    }
    sum = block_reduce(sum, scratch);
    if (threadIdx.x == 0) scale_gradient[k] = static_cast<float>(sum);
}

ChannelGrid grid_of(const Context& context, Grid grid, TensorId scale, TensorId zero_point) {
    return {context.at(scale), context.at(zero_point), grid.qmin(), grid.qmax()};
}

}  // namespace

Step make_step(const Context& context, const FakeQuantiseChannels& op) {
    const int64_t count = context.count(op.x), elements = count / context.shape(op.x)[0];
    const QuantiseChannelsWork work{context.at(op.x), context.at(op.y),
                                    grid_of(context, op.grid, op.scale, op.zero_point), FastDivide(elements)};
    const ElementRuns runs(count, elements, {work.x, work.y});
    return {0, [=](cudaStream_t stream, void*) { for_each_run(runs, work, stream); }};
}

Step make_step(const Context& context, const FakeQuantiseChannelsGradient& op) {
    const int64_t channels = context.shape(op.x)[0], elements = context.count(op.x) / channels;
    const float *x = context.at(op.x), *dy = context.at(op.dy);
    float *dx = context.at(op.dx), *scale_gradient = context.at(op.scale_gradient);
    const ChannelGrid grid = grid_of(context, op.grid, op.scale, op.zero_point);
    return {0, [=](cudaStream_t stream, void*) {
                launch(channels_gradient_kernel, dim3(blocks_along_x(channels)), dim3(kThreads),
                       block_reduce_bytes<double>(kThreads), stream, x, dy, dx, grid, elements, scale_gradient);
            }};
}

}  // namespace adaq::cuda
