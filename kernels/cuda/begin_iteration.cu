// The values of an iteration (engine/schedule.h): one thread, a few transcendental functions in double, so that a
// replayed graph needs nothing from the host.
#include "kernels/cuda/compiled_operation.h"
#include "kernels/cuda/platform.h"

namespace adaq::cuda {
namespace {

constexpr size_t kMostLosses = kLimits.losses;

struct BeginArguments {
    float* state;
    Schedule schedule;
    const float* losses[kMostLosses];
    int loss_count;
    bool on_plateau;
    Plateau plateau;
};

__global__ void begin_kernel(BeginArguments a) {
    if (threadIdx.x != 0) return;
    double losses = 0.0;
    for (int i = 0; i < a.loss_count; ++i) losses += look_at_loss(a.state, *a.losses[i]);
    begin_iteration(a.state, a.schedule, a.on_plateau, a.plateau, losses);
}

}  // namespace

CompiledOperation compile_operation(const Context& context, const BeginIteration& op) {
    BeginArguments arguments{
        context.at(op.state),          op.schedule, {}, static_cast<int>(op.losses.size()), op.plateau.has_value(),
        op.plateau.value_or(Plateau{})};
    for (size_t i = 0; i < op.losses.size(); ++i) arguments.losses[i] = context.at(op.losses[i]);
    return {0, [=](cudaStream_t stream, void*) { launch(begin_kernel, dim3(1), dim3(32), 0, stream, arguments); }};
}

}  // namespace adaq::cuda
