// Batch norm with the batch's statistics, both ways (docs/arithmetic.md section 3, --bn batch), and with fixed ones.
// Cost: forward x read twice and y written once (12 B an element), backward dy and x read twice and dx written (20 B);
// two double additions and products an element for the sums, which keep the variance right where the mean is large.
// Memory bound. Sums: a block takes 32 channels of a slab of rows, then a thread a channel adds up the slabs; the
// elementwise passes take runs of 8.
#include "kernels/cuda/arguments.h"
#include "kernels/cuda/column_sums.h"
#include "kernels/cuda/elements.h"
#include "kernels/cuda/fast_divide.h"

namespace adaq::cuda {
namespace {

/// dy and dy * x-hat.
struct Products {
    const float *dy, *x, *mean, *inverse_std;
    __device__ double2 of(int64_t index, int64_t c) const {
        const double g = static_cast<double>(dy[index]);
        return {g, g * static_cast<double>((x[index] - mean[c]) * inverse_std[c])};
    }
};

struct Statistics {
    float *running_mean, *running_variance, *mean, *inverse_std;  // [C]
    double epsilon, momentum;
};

constexpr int kThreads = 128;

__global__ void statistics_kernel(Statistics a, ColumnSums s, const double* partials) {
    const int64_t c = int64_t{blockIdx.x} * kThreads + threadIdx.x;
    if (!inside(c, s.channels)) return;
    const double2 sum = total(partials, s, 0, c);
    const double rows = static_cast<double>(s.rows), mean = sum.x / rows;
    const double squares = fmax(sum.y - sum.x * mean, 0.0);  // of the deviations
    a.mean[c] = static_cast<float>(mean);
    a.inverse_std[c] = static_cast<float>(1.0 / sqrt(squares / rows + a.epsilon));
    const double running_mean = static_cast<double>(a.running_mean[c]),
                 running_variance = static_cast<double>(a.running_variance[c]);
    a.running_mean[c] = static_cast<float>(running_mean + a.momentum * (mean - running_mean));
    a.running_variance[c] =
        static_cast<float>(running_variance + a.momentum * (squares / (rows - 1.0) - running_variance));
}

/// The running statistics in the place of the batch's.
__global__ void running_statistics_kernel(Statistics a, int64_t channels) {
    const int64_t c = int64_t{blockIdx.x} * kThreads + threadIdx.x;
    if (!inside(c, channels)) return;
    a.mean[c] = a.running_mean[c];
    a.inverse_std[c] = static_cast<float>(1.0 / sqrt(static_cast<double>(a.running_variance[c]) + a.epsilon));
}

/// The means over the rows of dy and of dy * x-hat: [2][C], into the first slab's place.
__global__ void means_kernel(ColumnSums s, double* partials) {
    const int64_t c = int64_t{blockIdx.x} * kThreads + threadIdx.x;
    if (!inside(c, s.channels)) return;
    const double2 sum = total(partials, s, 0, c);
    partials[c] = sum.x / static_cast<double>(s.rows);
    partials[s.channels + c] = sum.y / static_cast<double>(s.rows);
}

struct NormaliseWork {
    const float *x, *gamma, *beta, *mean, *inverse_std;
    float* y;
    FastDivide channels;
    EpilogueArguments epilogue;

    struct Loaded {
        const NormaliseWork& w;
        LoadedEpilogue epilogue;

        template <int Count>
        __device__ void run(int64_t first) const {
            const int index = static_cast<int>(first), c = w.channels.remainder(index, w.channels.quotient(index));
            float v[Count];
            load_run<Count>(v, w.x + first);
#pragma unroll
            for (int i = 0; i < Count; ++i)
                v[i] = w.gamma[c + i] * ((v[i] - w.mean[c + i]) * w.inverse_std[c + i]) + w.beta[c + i];
            epilogue.apply<Count>(v, first, c);
            store_run<Count>(w.y + first, v);
        }
    };
    __device__ Loaded load() const { return {*this, LoadedEpilogue(epilogue)}; }
};

/// dx = gamma * inverse_std * (dy - mean(dy) - x-hat * mean(dy * x-hat)).
struct NormGradientWork {
    const float *dy, *x, *gamma, *mean, *inverse_std;
    const double* means;  // [2][C]
    float* dx;
    FastDivide channels;

    template <int Count>
    __device__ void run(int64_t first) const {
        const int index = static_cast<int>(first), c = channels.remainder(index, channels.quotient(index));
        float v[Count], g[Count];
        load_run<Count>(v, x + first);
        load_run<Count>(g, dy + first);
#pragma unroll
        for (int i = 0; i < Count; ++i) {
            const float normalised = (v[i] - mean[c + i]) * inverse_std[c + i];
            const float by_mean = static_cast<float>(means[c + i]),
                        by_product = static_cast<float>(means[channels.divisor + c + i]);
            g[i] = gamma[c + i] * inverse_std[c + i] * (g[i] - by_mean - normalised * by_product);
        }
        store_run<Count>(dx + first, g);
    }
    __device__ const NormGradientWork& load() const { return *this; }
};

dim3 channel_blocks(const ColumnSums& sums) { return dim3(blocks_along_x(ceil_div(sums.channels, kThreads))); }

}  // namespace

CompiledOperation compile_operation(const Context& context, const BatchNorm& op) {
    const ColumnSums sums(context.shape(op.x), 1);
    const Moments moments{context.at(op.x)};
    const Statistics statistics{context.at(op.running_mean),
                                context.at(op.running_variance),
                                context.at(op.mean),
                                context.at(op.inverse_std),
                                op.epsilon,
                                op.momentum};
    const NormaliseWork work{context.at(op.x),           context.at(op.gamma),
                             context.at(op.beta),        context.at(op.mean),
                             context.at(op.inverse_std), context.at(op.y),
                             FastDivide(sums.channels),  arguments_of(context, op.epilogue)};
    const ElementRuns runs(context.count(op.x), sums.channels,
                           {work.x, work.y, work.epilogue.residual, work.epilogue.saved});
    if (op.fixed) {
        return {0, [=](cudaStream_t stream, void*) {
                    launch(running_statistics_kernel, channel_blocks(sums), dim3(kThreads), 0, stream, statistics,
                           sums.channels);
                    for_each_run(runs, work, stream);
                }};
    }
    return {sums.scratch_bytes(), [=](cudaStream_t stream, void* scratch) {
                auto* partials = static_cast<double*>(scratch);
                sum_columns(moments, sums, partials, stream);
                launch(statistics_kernel, channel_blocks(sums), dim3(kThreads), 0, stream, statistics, sums, partials);
                for_each_run(runs, work, stream);
            }};
}

CompiledOperation compile_operation(const Context& context, const BatchNormGradient& op) {
    const ColumnSums sums(context.shape(op.x), 1);
    const Products products{context.at(op.dy), context.at(op.x), context.at(op.mean), context.at(op.inverse_std)};
    NormGradientWork work{context.at(op.dy),   context.at(op.x),           context.at(op.gamma),
                          context.at(op.mean), context.at(op.inverse_std), nullptr,
                          context.at(op.dx),   FastDivide(sums.channels)};
    const ElementRuns runs(context.count(op.x), sums.channels, {work.dy, work.x, work.dx});
    return {sums.scratch_bytes(), [=](cudaStream_t stream, void* scratch) mutable {
                auto* partials = static_cast<double*>(scratch);
                sum_columns(products, sums, partials, stream);
                launch(means_kernel, channel_blocks(sums), dim3(kThreads), 0, stream, sums, partials);
                work.means = partials;
                for_each_run(runs, work, stream);
            }};
}

}  // namespace adaq::cuda
