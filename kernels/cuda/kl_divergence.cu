// loss = factor * sum over rows of KL(softmax(target / T) || softmax(logits / T)), and the gradient to the logits:
// factor * (softmax(logits / T) - softmax(target / T)) / T (docs/arithmetic.md section 8).
// Cost: 8 B read (three times, of which two from the cache) and 4 B written an element, 4 exponentials in double; a
// batch of logits is small. A block a row, three passes: the largest, the sums of exponentials, the gradient.
#include "kernels/cuda/compiled_operation.h"
#include "kernels/cuda/platform.h"
#include "kernels/cuda/reduce.h"

namespace adaq::cuda {
namespace {

constexpr int kDivergenceThreads = 256;

struct KlArguments {
    const float *logits, *target, *indices;
    float* dlogits;
    int64_t classes;
    double temperature, factor;
};

/// NaN wins, so that it reaches the loss.
struct Larger {
    __device__ float operator()(float a, float b) const { return a > b || a != a ? a : b; }
};

/// The block's result for every thread. `scratch` has room for a value a warp and one more.
template <typename T, typename Combine = Add>
__device__ T reduce_for_all(T value, T* scratch, Combine combine = {}) {
    const T result = block_reduce(value, scratch, combine);
    T* shared_result = scratch + kDivergenceThreads / kWarp;
    if (threadIdx.x == 0) *shared_result = result;
    __syncthreads();
    return *shared_result;  // written again only behind the next reduction's barrier
}

struct SoftmaxTerms {
    double largest, log_sum;
};

__device__ SoftmaxTerms softmax_terms(const float* x, const KlArguments& a, float* largest_scratch,
                                      double* sum_scratch) {
    float largest = -INFINITY;
    for (int64_t c = threadIdx.x; inside(c, a.classes); c += kDivergenceThreads) largest = Larger()(largest, x[c]);
    largest = reduce_for_all(largest, largest_scratch, Larger());
    double sum = 0.0;
    for (int64_t c = threadIdx.x; inside(c, a.classes); c += kDivergenceThreads)
        sum += exp((static_cast<double>(x[c]) - static_cast<double>(largest)) / a.temperature);
    sum = reduce_for_all(sum, sum_scratch);
    return {static_cast<double>(largest), log(sum)};
}

__global__ void kl_kernel(KlArguments a, double* partials) {
    SharedMemory shared;
    auto* sums = shared.take<double>(kDivergenceThreads / kWarp + 1);
    auto* extremes = shared.take<float>(kDivergenceThreads / kWarp + 1);
    const int64_t n = blockIdx.x, row = a.indices ? static_cast<int64_t>(a.indices[n]) : n;
    const float *logits = a.logits + n * a.classes, *target = a.target + row * a.classes;
    const SoftmaxTerms ours = softmax_terms(logits, a, extremes, sums);
    const SoftmaxTerms wanted = softmax_terms(target, a, extremes, sums);
    double sum = 0.0;
    for (int64_t c = threadIdx.x; inside(c, a.classes); c += kDivergenceThreads) {
        const double log_ours = (static_cast<double>(logits[c]) - ours.largest) / a.temperature - ours.log_sum;
        const double log_wanted = (static_cast<double>(target[c]) - wanted.largest) / a.temperature - wanted.log_sum;
        const double probability = exp(log_wanted);
        sum += probability * (log_wanted - log_ours);
        a.dlogits[n * a.classes + c] = static_cast<float>(a.factor * (exp(log_ours) - probability) / a.temperature);
    }
    sum = block_reduce(sum, sums);
    if (threadIdx.x == 0) partials[n] = sum;
}

}  // namespace

CompiledOperation compile_operation(const Context& context, const KlDivergence& op) {
    const int64_t rows = context.shape(op.logits)[0], classes = context.shape(op.logits)[1];
    const KlArguments arguments{context.at(op.logits),
                                context.at(op.target),
                                context.at(op.indices),
                                context.at(op.dlogits),
                                classes,
                                op.temperature,
                                op.factor};
    const auto factor = static_cast<float>(op.factor);
    float* loss = context.at(op.loss);
    constexpr size_t kShared =
        shared_bytes<double>(kDivergenceThreads / kWarp + 1) + shared_bytes<float>(kDivergenceThreads / kWarp + 1);
    return {rows * sizeof(double), [=](cudaStream_t stream, void* scratch) {
                auto* partials = static_cast<double*>(scratch);
                launch(kl_kernel, dim3(blocks_along_x(rows)), dim3(kDivergenceThreads), kShared, stream, arguments,
                       partials);
                sum_partials(partials, rows, factor, loss, stream);
            }};
}

}  // namespace adaq::cuda
