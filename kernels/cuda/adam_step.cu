// Adam at the scale rate, with a floor (methods.md section 6: a scale never falls below 1e-8).
// Cost: 16 B read and 12 B written an element; there are a few at most. A thread an element.
#include "kernels/cuda/platform.h"
#include "kernels/cuda/step.h"

namespace adaq::cuda {
namespace {

constexpr int kThreads = 128;

__global__ void adam_kernel(float* x, const float* gradient, float* first, float* second, const float* state,
                            float minimum, int64_t count) {
    const int64_t i = int64_t{blockIdx.x} * kThreads + threadIdx.x;
    if (!inside(i, count)) return;
    const float g = gradient[i], rate = state[kScaleRate] * state[kFirstCorrection];
    const float m = 0.9f * first[i] + 0.1f * g, u = 0.999f * second[i] + 0.001f * g * g;
    first[i] = m;
    second[i] = u;
    const float moved = x[i] - rate * m / (sqrtf(u) * state[kSecondCorrection] + 1e-8f);
    x[i] = moved < minimum ? minimum : moved;
}

}  // namespace

Step make_step(const Context& context, const AdamStep& op) {
    float *x = context.at(op.x), *first = context.at(op.first_moment), *second = context.at(op.second_moment);
    const float *gradient = context.at(op.gradient), *state = context.at(op.state);
    const float minimum = op.minimum;
    const int64_t count = context.count(op.x);
    return {0, [=](cudaStream_t stream, void*) {
                launch(adam_kernel, dim3(static_cast<unsigned>(ceil_div(count, kThreads))), dim3(kThreads), 0, stream,
                       x, gradient, first, second, state, minimum, count);
            }};
}

}  // namespace adaq::cuda
