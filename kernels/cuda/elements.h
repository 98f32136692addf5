// The one loop of all elementwise kernels: runs of 8 elements a thread (two accesses of 16 bytes a tensor), what is
// left over one by one, and a sum of what the runs return in an order that the size alone decides.
//
// A `Work` is what the kernel takes: pointers and settings. Its load() makes a thread's own copy ready (reads scales);
// that has template <int Count> run(int64_t first), which returns void or what the run adds to the sum.
#pragma once

#include <algorithm>
#include <initializer_list>

#include "kernels/cuda/epilogue.h"
#include "kernels/cuda/reduce.h"

namespace adaq::cuda {

inline constexpr int kRun = 8;
inline constexpr int kElementThreads = 256;
inline constexpr int64_t kElementBlocks = 2048;  // at most: enough to fill any card, few enough to sum up

/// How a tensor's elements are shared out. No program has an operation on more of them than an int counts
/// (engine/program/limits.h), so that a run may take its rows and channels apart by FastDivide.
struct ElementRuns {
    int64_t count = 0;
    int64_t runs = 0;  // of kRun; the others one by one

    /// Runs begin at multiples of kRun within rows of `row` elements; kRun: the tensor has no rows.
    ElementRuns(int64_t elements, int64_t row, std::initializer_list<const void*> tensors)
        : count(elements), runs(row % kRun == 0 ? elements / kRun : 0) {
        for (const void* tensor : tensors) runs = aligned_runs<kRun>(tensor) ? runs : 0;
    }
    int64_t tasks() const { return runs + (count - runs * kRun); }
    unsigned blocks() const {
        return static_cast<unsigned>(std::min(ceil_div(tasks(), kElementThreads), kElementBlocks));
    }
    /// Of a kernel that sums.
    size_t partial_bytes() const { return blocks() * sizeof(double); }
};

template <typename Work>
__global__ void __launch_bounds__(kElementThreads) elements_kernel(Work work, int64_t tasks, int64_t runs) {
    const auto loaded = work.load();
    for (int64_t task = int64_t{blockIdx.x} * kElementThreads + threadIdx.x; inside(task, tasks);
         task += int64_t{gridDim.x} * kElementThreads) {
        if (inside(task, runs)) {
            loaded.template run<kRun>(task * kRun);
        } else {
            loaded.template run<1>(runs * kRun + (task - runs));
        }
    }
}

template <typename Work>
__global__ void __launch_bounds__(kElementThreads, 3)
    summing_elements_kernel(Work work, int64_t tasks, int64_t runs, double* partials) {
    SharedMemory shared;
    auto* scratch = shared.take<double>(kElementThreads / kWarp);
    const auto loaded = work.load();
    double sum = 0.0;
    for (int64_t task = int64_t{blockIdx.x} * kElementThreads + threadIdx.x; inside(task, tasks);
         task += int64_t{gridDim.x} * kElementThreads) {
        if (inside(task, runs)) {
            sum += static_cast<double>(loaded.template run<kRun>(task * kRun));
        } else {
            sum += static_cast<double>(loaded.template run<1>(runs * kRun + (task - runs)));
        }
    }
    sum = block_reduce(sum, scratch);
    if (threadIdx.x == 0) partials[blockIdx.x] = sum;
}

template <typename Work>
void for_each_run(const ElementRuns& runs, const Work& work, cudaStream_t stream) {
    launch(elements_kernel<Work>, dim3(runs.blocks()), dim3(kElementThreads), 0, stream, work, runs.tasks(), runs.runs);
}

/// result[0] = factor * the sum of what the runs return; partials: runs.partial_bytes() of scratch.
template <typename Work>
void sum_runs(const ElementRuns& runs, const Work& work, cudaStream_t stream, void* partials, float factor,
              float* result, const float* switched_on = nullptr) {
    launch(summing_elements_kernel<Work>, dim3(runs.blocks()), dim3(kElementThreads),
           block_reduce_bytes<double>(kElementThreads), stream, work, runs.tasks(), runs.runs,
           static_cast<double*>(partials));
    if (result == nullptr) return;
    sum_partials(static_cast<const double*>(partials), runs.blocks(), factor, result, stream, switched_on);
}

}  // namespace adaq::cuda
