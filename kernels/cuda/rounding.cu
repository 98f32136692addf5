// AdaRound's weights from V, and the fused step: dL/dw_hat -> dL/dV + regulariser -> Adam -> new V and new w_hat
// (docs/arithmetic.md section 5).
// Cost of a step: 20 B read and 16 B written an element, about 120 flops (two exponentials, one power, three divisions,
// one root). Memory bound on a data centre's card. A thread takes runs of 8 elements of one channel; the penalty is
// summed a block, then over blocks.
#include "engine/rounding.h"

#include "kernels/cuda/compiled_operation.h"
#include "kernels/cuda/elements.h"
#include "kernels/cuda/fast_divide.h"

namespace adaq::cuda {
namespace {

struct RoundingArguments {
    const float* w;
    float *v, *w_hat;
    const float *scale, *zero_point;  // [K] or [1]
    const float* channel_scale;       // [K] or null
    float qmin, qmax;
    bool one_scale;
    FastDivide elements;  // of a channel
};

/// What the elements of one channel share.
struct Channel {
    float scale, zero_point, factor, qmin, qmax;

    __device__ Channel(const RoundingArguments& r, int64_t first) : qmin(r.qmin), qmax(r.qmax) {
        const int k = r.elements.quotient(static_cast<int>(first)), group = r.one_scale ? 0 : k;
        scale = r.scale[group];
        zero_point = r.zero_point[group];
        factor = r.channel_scale ? r.channel_scale[k] : 1.0f;
    }
    __device__ float dequantised(float q) const {
        q = q < qmin ? qmin : q;
        q = q > qmax ? qmax : q;
        return factor * (scale * (q - zero_point));
    }
};

struct RoundWeightsWork {
    RoundingArguments r;

    template <int Count>
    __device__ void run(int64_t first) const {
        const Channel c(r, first);
        float w[Count], v[Count];
        load_run<Count>(w, r.w + first);
        load_run<Count>(v, r.v + first);
#pragma unroll
        for (int i = 0; i < Count; ++i) {
            w[i] = c.dequantised(floorf(w[i] / c.scale) + soft_rounding(v[i]).h + c.zero_point);
        }
        store_run<Count>(r.w_hat + first, w);
    }
    __device__ const RoundWeightsWork& load() const { return *this; }
};

struct RoundingStepWork {
    RoundingArguments r;
    const float* gradient;
    float *first_moment, *second_moment;
    const float* state;
    float lambda;

    struct Loaded {
        const RoundingStepWork& work;
        float lambda, beta, rate, second_correction;

        template <int Count>
        __device__ float run(int64_t first) const {
            const RoundingArguments& r = work.r;
            const Channel c(r, first);
            float w[Count], v[Count], g[Count], m[Count], u[Count];
            load_run<Count>(w, r.w + first);
            load_run<Count>(v, r.v + first);
            load_run<Count>(g, work.gradient + first);
            load_run<Count>(m, work.first_moment + first);
            load_run<Count>(u, work.second_moment + first);
            float penalty = 0.0f;
#pragma unroll
            for (int i = 0; i < Count; ++i) penalty += step(c, w[i], v[i], g[i], m[i], u[i]);
            store_run<Count>(work.first_moment + first, m);
            store_run<Count>(work.second_moment + first, u);
            store_run<Count>(r.v + first, v);
            store_run<Count>(r.w_hat + first, w);
            return penalty;
        }
        /// Moves one element; w becomes the new w_hat. Returns its penalty before the step.
        __device__ float step(const Channel& c, float& w, float& v, float g, float& m, float& u) const {
            const float below = floorf(w / c.scale);
            const auto soft = soft_rounding(v);
            const float q = below + soft.h + c.zero_point;
            float gradient = q >= c.qmin && q <= c.qmax ? g * (c.factor * c.scale) * soft.derivative : 0.0f;
            float penalty = 0.0f;
            if (lambda != 0.0f) {
                const auto term = rounding_penalty(soft.h, beta);
                gradient += lambda * term.by_h * soft.derivative;
                penalty = lambda * term.value;
            }
            m = 0.9f * m + 0.1f * gradient;
            u = 0.999f * u + 0.001f * gradient * gradient;
            v -= rate * m / (sqrtf(u) * second_correction + 1e-8f);
            w = c.dequantised(below + soft_rounding(v).h + c.zero_point);
            return penalty;
        }
    };
    __device__ Loaded load() const {
        return {*this, state[kRegulariserOn] > 0.0f ? lambda : 0.0f, state[kBeta],
                state[kRoundingRate] * state[kFirstCorrection], state[kSecondCorrection]};
    }
};

RoundingArguments arguments_of(const Context& context, const Rounding& r) {
    return {context.at(r.w),
            context.at(r.v),
            context.at(r.w_hat),
            context.at(r.scale),
            context.at(r.zero_point),
            context.at(r.channel_scale),
            r.grid.qmin(),
            r.grid.qmax(),
            context.count(r.scale) == 1,
            FastDivide(context.count(r.w) / context.shape(r.w)[0])};
}

ElementRuns runs_of(const Context& context, const Rounding& r, std::initializer_list<const void*> tensors) {
    const int64_t count = context.count(r.w);
    return {count, count / context.shape(r.w)[0], tensors};
}

}  // namespace

CompiledOperation compile_operation(const Context& context, const RoundWeights& op) {
    const RoundWeightsWork work{arguments_of(context, op.rounding)};
    const ElementRuns runs = runs_of(context, op.rounding, {work.r.w, work.r.v, work.r.w_hat});
    return {0, [=](cudaStream_t stream, void*) { for_each_run(runs, work, stream); }};
}

CompiledOperation compile_operation(const Context& context, const RoundingStep& op) {
    const RoundingStepWork work{
        arguments_of(context, op.rounding), context.at(op.w_hat_gradient), context.at(op.first_moment),
        context.at(op.second_moment),       context.at(op.state),          static_cast<float>(op.lambda)};
    const ElementRuns runs = runs_of(
        context, op.rounding, {work.r.w, work.r.v, work.r.w_hat, work.gradient, work.first_moment, work.second_moment});
    float* penalty = context.at(op.penalty);
    return {runs.partial_bytes(),
            [=](cudaStream_t stream, void* scratch) { sum_runs(runs, work, stream, scratch, 1.0f, penalty); }};
}

}  // namespace adaq::cuda
