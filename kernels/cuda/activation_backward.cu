// dx = the way back of (dy + addend) through relu and quantiser, and the scale's gradient (docs/arithmetic.md section
// 6). Cost: 8 to 12 B read and 4 B written an element (2 B in bf16), about 12 flops with one division. Memory bound; a
// thread takes runs of 8 elements, the scale's gradient is summed a block, then over blocks.
#include "kernels/cuda/arguments.h"
#include "kernels/cuda/elements.h"

namespace adaq::cuda {
namespace {

struct ActivationBackwardWork {
    const float *dy, *addend;
    Target dx;
    ActivationGradientArguments activation;

    struct Loaded {
        const ActivationBackwardWork& w;
        LoadedActivationGradient activation;

        template <int Count>
        __device__ float run(int64_t first) const {
            float g[Count];
            load_run<Count>(g, w.dy + first);
            add_run<Count>(g, w.addend, first);
            const float scale_gradient = activation.apply<Count>(g, first);
            w.dx.store<Count>(first, g);
            return scale_gradient;
        }
    };
    __device__ Loaded load() const { return {*this, LoadedActivationGradient(activation)}; }
};

}  // namespace

CompiledOperation compile_operation(const Context& context, const ActivationBackward& op) {
    const ActivationBackwardWork work{context.at(op.dy), context.at(op.addend), target_of(context, op.dx),
                                      arguments_of(context, std::optional(op.activation))};
    const int64_t count = context.count(op.dx);
    const ElementRuns runs(count, kRun, {work.dy, work.addend, work.dx.address(), work.activation.value});
    if (!work.activation.scale_gradient)
        return {0, [=](cudaStream_t stream, void*) { for_each_run(runs, work, stream); }};
    return {runs.partial_bytes(), [=](cudaStream_t stream, void* scratch) {
                sum_runs(runs, work, stream, scratch, work.activation.scale_gradient_factor,
                         work.activation.scale_gradient);
            }};
}

}  // namespace adaq::cuda
