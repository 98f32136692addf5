// Adam with a floor (docs/arithmetic.md section 6: a scale never falls below 1e-8): for scales, of which there are a
// few, and for a unit's input (section 8), of which there are millions. Cost: 16 B read and 12 B written an element, 14
// flops. Memory bound; a thread takes runs of 8 elements.
#include "kernels/cuda/compiled_operation.h"
#include "kernels/cuda/elements.h"

namespace adaq::cuda {
namespace {

struct AdamWork {
    float* x;
    const float* gradient;
    float *first_moment, *second_moment;
    const float* state;
    float minimum;
    IterationValue rate;

    struct Loaded {
        const AdamWork& w;
        float rate, correction;

        template <int Count>
        __device__ void run(int64_t first) const {
            float v[Count], g[Count], m[Count], u[Count];
            load_run<Count>(v, w.x + first);
            load_run<Count>(g, w.gradient + first);
            load_run<Count>(m, w.first_moment + first);
            load_run<Count>(u, w.second_moment + first);
#pragma unroll
            for (int i = 0; i < Count; ++i) {
                m[i] = 0.9f * m[i] + 0.1f * g[i];
                u[i] = 0.999f * u[i] + 0.001f * g[i] * g[i];
                const float moved = v[i] - rate * m[i] / (sqrtf(u[i]) * correction + 1e-8f);
                v[i] = moved < w.minimum ? w.minimum : moved;
            }
            store_run<Count>(w.first_moment + first, m);
            store_run<Count>(w.second_moment + first, u);
            store_run<Count>(w.x + first, v);
        }
    };
    __device__ Loaded load() const { return {*this, state[rate] * state[kFirstCorrection], state[kSecondCorrection]}; }
};

}  // namespace

CompiledOperation compile_operation(const Context& context, const AdamStep& op) {
    const AdamWork work{context.at(op.x),
                        context.at(op.gradient),
                        context.at(op.first_moment),
                        context.at(op.second_moment),
                        context.at(op.state),
                        op.minimum,
                        op.rate};
    const ElementRuns runs(context.count(op.x), kRun, {work.x, work.gradient, work.first_moment, work.second_moment});
    return {0, [=](cudaStream_t stream, void*) { for_each_run(runs, work, stream); }};
}

}  // namespace adaq::cuda
