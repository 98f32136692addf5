// y = table[channel][x]: pixels to codes or values.
// Cost: 1 B read a pixel, 1 B or 4 B written; the table stays in the caches. Memory bound. A thread an element.
#include "kernels/cuda/compiled_operation.h"
#include "kernels/cuda/platform.h"

namespace adaq::cuda {
namespace {

constexpr int kThreads = 256, kPixels = 256;

template <typename Y>
__global__ void look_up_kernel(const uint8_t* x, const Y* table, Y* y, int64_t count, int64_t channels) {
    const int64_t index = int64_t{blockIdx.x} * kThreads + threadIdx.x;
    if (!inside(index, count)) return;
    y[index] = table[index % channels * kPixels + x[index]];
}

template <typename Y>
CompiledOperation compile_look_up(const Context& context, const LookUp& op) {
    const auto* x = context.elements<uint8_t>(op.x);
    const Y* table = context.elements<Y>(op.table);
    Y* y = context.elements<Y>(op.y);
    const int64_t count = context.count(op.y), channels = context.shape(op.x)[3];
    return {0, [=](cudaStream_t stream, void*) {
                launch(look_up_kernel<Y>, dim3(blocks_along_x(ceil_div(count, kThreads))), dim3(kThreads), 0, stream, x,
                       table, y, count, channels);
            }};
}

}  // namespace

CompiledOperation compile_operation(const Context& context, const LookUp& op) {
    if (context.type(op.y) == DType::u8) return compile_look_up<uint8_t>(context, op);
    return compile_look_up<float>(context, op);
}

}  // namespace adaq::cuda
