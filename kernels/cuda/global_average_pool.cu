// y[N,C] = scale * mean (or sum) over H,W of x, and the mean's gradient.
// Cost: forward 4 B read an element, one double addition; backward 4 B written an element. Memory bound. Forward: a
// thread an output, neighbours at neighbouring channels, so that each position's channels are read together; backward:
// runs of 8 elements.
#include "kernels/cuda/compiled_operation.h"
#include "kernels/cuda/elements.h"
#include "kernels/cuda/fast_divide.h"

namespace adaq::cuda {
namespace {

constexpr int kPoolThreads = 128;

__global__ void average_kernel(const float* x, float* y, int64_t outputs, int64_t channels, int64_t positions,
                               float scale, bool as_sum) {
    const int64_t index = int64_t{blockIdx.x} * kPoolThreads + threadIdx.x;
    if (!inside(index, outputs)) return;
    const int64_t n = index / channels, c = index % channels;
    double sum = 0.0;
    for (int64_t i = 0; i < positions; ++i) sum += static_cast<double>(x[(n * positions + i) * channels + c]);
    y[index] = as_sum ? scale * static_cast<float>(sum)
                      : static_cast<float>(static_cast<double>(scale) * sum / static_cast<double>(positions));
}

struct AverageGradientWork {
    const float* dy;
    float* dx;
    FastDivide channels, positions;
    float factor;

    template <int Count>
    __device__ void run(int64_t first) const {
        const int index = static_cast<int>(first), pixel = channels.quotient(index);
        const int64_t n = positions.quotient(pixel), c = channels.remainder(index, pixel);
        float v[Count];
        load_run<Count>(v, dy + n * channels.divisor + c);
#pragma unroll
        for (int i = 0; i < Count; ++i) v[i] *= factor;
        store_run<Count>(dx + first, v);
    }
    __device__ const AverageGradientWork& load() const { return *this; }
};

}  // namespace

CompiledOperation compile_operation(const Context& context, const GlobalAveragePool& op) {
    const Shape& shape = context.shape(op.x);
    const float* x = context.at(op.x);
    float* y = context.at(op.y);
    const int64_t outputs = shape[0] * shape[3], channels = shape[3], positions = shape[1] * shape[2];
    const float scale = op.scale;
    const bool as_sum = op.sum;
    return {0, [=](cudaStream_t stream, void*) {
                launch(average_kernel, dim3(blocks_along_x(ceil_div(outputs, kPoolThreads))), dim3(kPoolThreads), 0,
                       stream, x, y, outputs, channels, positions, scale, as_sum);
            }};
}

CompiledOperation compile_operation(const Context& context, const GlobalAveragePoolGradient& op) {
    const Shape& shape = context.shape(op.dx);
    const int64_t positions = shape[1] * shape[2];
    const AverageGradientWork work{context.at(op.dy), context.at(op.dx), FastDivide(shape[3]), FastDivide(positions),
                                   op.scale / static_cast<float>(positions)};
    const ElementRuns runs(element_count(shape), shape[3], {work.dy, work.dx});
    return {0, [=](cudaStream_t stream, void*) { for_each_run(runs, work, stream); }};
}

}  // namespace adaq::cuda
