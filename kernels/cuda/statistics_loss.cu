// The distance of each image's statistics from a batch norm's, with its gradient (docs/arithmetic.md section 8).
// Cost: x read twice and dx written once (12 B an element), dy read where the norm's output is read on (4 B); two
// double additions and products an element for the sums, 4 flops for the gradient. Memory bound. The sums go image by
// image (column_sums.h), then a thread a channel of an image makes the coefficients of its gradient, which runs of 8
// elements apply.
#include "kernels/cuda/column_sums.h"
#include "kernels/cuda/compiled_operation.h"
#include "kernels/cuda/elements.h"
#include "kernels/cuda/fast_divide.h"

namespace adaq::cuda {
namespace {

constexpr int kStatisticsThreads = 128;

/// dx = constant + slope * (x - mean) of each channel of each image.
struct Coefficients {
    float *mean, *constant, *slope;  // [N, C]
};

struct CompareArguments {
    const float *mean, *variance;  // [C], of the norm
    double epsilon, factor;
    Coefficients coefficients;
};

/// partials: of the sums; losses[block]: the block's share of the loss, without the factor.
__global__ void compare_kernel(CompareArguments a, ColumnSums s, const double* partials, double* losses) {
    SharedMemory shared;
    auto* scratch = shared.take<double>(kStatisticsThreads / kWarp);
    const int64_t index = int64_t{blockIdx.x} * kStatisticsThreads + threadIdx.x;
    double loss = 0.0;
    if (inside(index, s.groups * s.channels)) {
        const int64_t n = index / s.channels, c = index % s.channels;
        const double2 sum = total(partials, s, n, c);
        const double count = static_cast<double>(s.rows), mean = sum.x / count;
        const double mean_error = mean - static_cast<double>(a.mean[c]);
        double sigma_error = 0.0, slope = 0.0;
        if (s.rows > 1) {
            const double squares = fmax(sum.y - sum.x * mean, 0.0);  // of the deviations
            const double sigma = sqrt(squares / (count - 1.0) + a.epsilon);
            sigma_error = sigma - sqrt(static_cast<double>(a.variance[c]) + a.epsilon);
            slope = 2.0 * a.factor * sigma_error / ((count - 1.0) * sigma);
        }
        a.coefficients.mean[index] = static_cast<float>(mean);
        a.coefficients.constant[index] = static_cast<float>(2.0 * a.factor * mean_error / count);
        a.coefficients.slope[index] = static_cast<float>(slope);
        loss = mean_error * mean_error + sigma_error * sigma_error;
    }
    loss = block_reduce(loss, scratch);
    if (threadIdx.x == 0) losses[blockIdx.x] = loss;
}

struct GradientWork {
    const float *x, *dy, *gamma, *inverse_std;  // all but x null where the norm's output is not read
    float* dx;
    FastDivide channels, positions;
    Coefficients coefficients;

    template <int Count>
    __device__ void run(int64_t first) const {
        const int index = static_cast<int>(first), pixel = channels.quotient(index);
        const int c = channels.remainder(index, pixel);
        const int64_t of_image = int64_t{positions.quotient(pixel)} * channels.divisor + c;
        float v[Count], mean[Count], constant[Count], slope[Count];
        load_run<Count>(v, x + first);
        load_run<Count>(mean, coefficients.mean + of_image);
        load_run<Count>(constant, coefficients.constant + of_image);
        load_run<Count>(slope, coefficients.slope + of_image);
#pragma unroll
        for (int i = 0; i < Count; ++i) v[i] = constant[i] + slope[i] * (v[i] - mean[i]);
        if (dy) {
            float g[Count];
            load_run<Count>(g, dy + first);
#pragma unroll
            for (int i = 0; i < Count; ++i) v[i] += gamma[c + i] * inverse_std[c + i] * g[i];
        }
        store_run<Count>(dx + first, v);
    }
    __device__ const GradientWork& load() const { return *this; }
};

}  // namespace

CompiledOperation compile_operation(const Context& context, const StatisticsLoss& op) {
    const Shape& shape = context.shape(op.x);
    const ColumnSums sums(shape, shape[0]);
    const int64_t outputs = shape[0] * shape[3], blocks = ceil_div(outputs, kStatisticsThreads);
    const Moments moments{context.at(op.x)};
    CompareArguments compare{context.at(op.mean), context.at(op.variance), op.epsilon, op.factor, {}};
    GradientWork work{context.at(op.x),
                      nullptr,
                      nullptr,
                      nullptr,
                      context.at(op.dx),
                      FastDivide(shape[3]),
                      FastDivide(shape[1] * shape[2]),
                      {}};
    if (op.through) {
        work.dy = context.at(op.through->dy);
        work.gamma = context.at(op.through->gamma);
        work.inverse_std = context.at(op.through->inverse_std);
    }
    const ElementRuns runs(element_count(shape), shape[3], {work.x, work.dy, work.dx});
    const auto factor = static_cast<float>(op.factor);
    float* loss = context.at(op.loss);
    // Scratch: the coefficients (so that runs of them are aligned), the sums, the blocks' losses.
    const size_t coefficient_bytes = (3 * outputs * sizeof(float) + 15) / 16 * 16;
    const size_t bytes = coefficient_bytes + sums.scratch_bytes() + blocks * sizeof(double);
    return {bytes, [=](cudaStream_t stream, void* scratch) mutable {
                auto* floats = static_cast<float*>(scratch);
                auto* partials = reinterpret_cast<double*>(static_cast<char*>(scratch) + coefficient_bytes);
                double* losses = partials + sums.count();
                compare.coefficients = work.coefficients = {floats, floats + outputs, floats + 2 * outputs};
                sum_columns(moments, sums, partials, stream);
                launch(compare_kernel, dim3(blocks_along_x(blocks)), dim3(kStatisticsThreads),
                       block_reduce_bytes<double>(kStatisticsThreads), stream, compare, sums, partials, losses);
                sum_partials(losses, blocks, factor, loss, stream);
                for_each_run(runs, work, stream);
            }};
}

}  // namespace adaq::cuda
