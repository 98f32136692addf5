// The step values of an iteration (engine/program/operations.h, StepValue): one thread, a few transcendental functions
// in double, so that a replayed graph needs nothing from the host.
#include "kernels/cuda/platform.h"
#include "kernels/cuda/step.h"

namespace adaq::cuda {
namespace {

constexpr auto kMostLosses = static_cast<size_t>(kLimits.losses);

struct AdvanceArguments {
    float* state;
    StepSchedule schedule;
    const float* losses[kMostLosses];
    int loss_count;
    bool on_plateau;
    Plateau plateau;
};

__global__ void advance_kernel(AdvanceArguments a) {
    if (threadIdx.x != 0) return;
    float* state = a.state;
    double sum = 0.0;
    for (int i = 0; i < a.loss_count; ++i) {
        sum += static_cast<double>(*a.losses[i]);
        // Nothing was lost before the first iteration.
        if (state[kIteration] > 0.0f && state[kFirstBad] == 0.0f && !(fabsf(*a.losses[i]) <= 3.402823466e38f))
            state[kFirstBad] = state[kIteration];
    }
    const StepSchedule& s = a.schedule;
    const double t = static_cast<double>(state[kIteration]) + 1.0, total = static_cast<double>(s.iterations);
    const double warm = s.warm_up * total, progress = t > warm ? (t - warm) / (total - warm) : 0.0;
    state[kIteration] = static_cast<float>(t);
    state[kRegulariserOn] = t >= warm ? 1.0f : 0.0f;
    state[kBeta] = static_cast<float>(s.beta_start + (s.beta_end - s.beta_start) * progress);
    state[kRoundingRate] = static_cast<float>(s.rounding_rate);
    if (a.on_plateau && t > 1.0) {
        const PlateauState<float> next = follow_plateau({state[kBestLoss], state[kBadIterations], state[kScaleRate]},
                                                        a.plateau, static_cast<float>(sum));
        state[kBestLoss] = next.best;
        state[kBadIterations] = next.bad;
        state[kScaleRate] = next.rate;
    } else {
        const double cosine = (1.0 + cos(3.14159265358979323846 * (t - 1.0) / total)) / 2.0;
        state[kScaleRate] = static_cast<float>(s.scale_rate * (s.cosine_scale_rate ? cosine : 1.0));
        state[kChannelRate] = static_cast<float>(s.channel_rate * (s.cosine_scale_rate ? cosine : 1.0));
        state[kBestLoss] = INFINITY;
        state[kBadIterations] = 0.0f;
    }
    state[kFirstCorrection] = static_cast<float>(1.0 / (1.0 - pow(0.9, t)));
    state[kSecondCorrection] = static_cast<float>(1.0 / sqrt(1.0 - pow(0.999, t)));
}

}  // namespace

Step make_step(const Context& context, const AdvanceStep& op) {
    AdvanceArguments arguments{
        context.at(op.state),          op.schedule, {}, static_cast<int>(op.losses.size()), op.plateau.has_value(),
        op.plateau.value_or(Plateau{})};
    for (size_t i = 0; i < op.losses.size(); ++i) arguments.losses[i] = context.at(op.losses[i]);
    return {0, [=](cudaStream_t stream, void*) { launch(advance_kernel, dim3(1), dim3(32), 0, stream, arguments); }};
}

}  // namespace adaq::cuda
