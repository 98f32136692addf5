#include "tools/bench/cuda/card.h"

#include <fmt/core.h>

#include <algorithm>

#include "kernels/cuda/device.h"
#include "kernels/cuda/memory.h"
#include "tools/bench/cuda/cublas.h"
#include "tools/bench/cuda/cudnn.h"

namespace adaq::cuda {
namespace {

constexpr int kReplays = 20;

/// The best of a few copies within the card, read and written bytes together.
double copy_bandwidth() {
    constexpr size_t kBytes = size_t{512} << 20;
    constexpr int kCopies = 10, kRounds = 5;
    const DeviceMemory from(kBytes), to(kBytes);
    check_cuda(cudaMemset(from.get(), 0, kBytes));
    cudaEvent_t begin = nullptr, end = nullptr;
    check_cuda(cudaEventCreate(&begin));
    check_cuda(cudaEventCreate(&end));
    double best = 0.0;
    for (int round = 0; round < kRounds; ++round) {
        check_cuda(cudaEventRecord(begin));
        for (int i = 0; i < kCopies; ++i)
            check_cuda(cudaMemcpyAsync(to.get(), from.get(), kBytes, cudaMemcpyDeviceToDevice));
        check_cuda(cudaEventRecord(end));
        check_cuda(cudaEventSynchronize(end));
        float milliseconds = 0.0f;
        check_cuda(cudaEventElapsedTime(&milliseconds, begin, end));
        best = std::max(best, 2.0 * kBytes * kCopies / (static_cast<double>(milliseconds) * 1e-3));
    }
    check_cuda(cudaEventDestroy(begin));
    check_cuda(cudaEventDestroy(end));
    return best;
}

}  // namespace

Machine make_machine(Math math, bool wgmma) {
    Machine machine;
    machine.device = make_cuda_device(math, std::nullopt, wgmma);
    machine.wait = [] { check_cuda(cudaDeviceSynchronize()); };
    machine.replays = kReplays;
    machine.bandwidth = copy_bandwidth();
    machine.flops = cublas_flops(math);
    const std::string arithmetic = machine.flops > 0.0
                                       ? fmt::format("{:.1f} TFLOP/s by cuBLAS (8192^3)", machine.flops / 1e12)
                                       : "cuBLAS is missing, so that there is no measured peak";
    machine.limits = fmt::format("measured {}, {:.0f} GB/s copying", arithmetic, machine.bandwidth / 1e9);
    if (math == Math::bf16) machine.storage = bf16_on_a_card;
    machine.yardstick = cudnn_version().empty() ? "no cuDNN" : "cuDNN " + cudnn_version();
    machine.alone = [math](const ConvolutionSizes& sizes, Direction direction) {
        return cudnn_alone(sizes, direction, math, kReplays);
    };
    return machine;
}

}  // namespace adaq::cuda
