#include "tools/bench/machine.h"

#include <fmt/core.h>

#include "engine/error.h"
#if !defined(ADAQ_NO_CPU)
#include "kernels/cpu/integer/level.h"
#include "tools/bench/onednn/onednn_alone.h"
#endif
#include "tools/bench/peak.h"
#if defined(ADAQ_HAS_CUDA)
#include "tools/bench/cuda/card.h"
#endif

namespace adaq {
namespace {

#if !defined(ADAQ_NO_CPU)
Machine make_cpu_machine(int threads, Math math) {
    Machine machine;
    machine.device = make_device("cpu", threads, math);
    machine.wait = [] {};
    const Peak peak = measure_peak(threads);
    machine.flops = peak.flops;
    machine.bandwidth = measure_bandwidth(threads);
    machine.limits = fmt::format("measured peak {:.1f} GFLOP/s in float32, {:.1f} GB/s copying", peak.flops / 1e9,
                                 machine.bandwidth / 1e9);
    machine.yardstick = "oneDNN";
    if (math == Math::bf16) machine.storage = [](const Shape&) { return Storage{.operands = DType::bf16}; };
    machine.alone = [math](const ConvolutionSizes& sizes, Direction direction) {
        return onednn_alone(sizes, direction, math);
    };
    return machine;
}
#endif

}  // namespace

std::string integer_instructions() {
#if defined(ADAQ_NO_CPU)
    usage_error("`device` cpu: this adaq was built without the CPU device");
#else
    return cpu::integer::instructions(cpu::integer::best_level()).name;
#endif
}

Machine make_machine(const std::string& device, [[maybe_unused]] int threads, [[maybe_unused]] Math math, bool wgmma) {
#if defined(ADAQ_HAS_CUDA)
    if (device == "cuda") return cuda::make_machine(math, wgmma);
#endif
    if (wgmma) usage_error("--wgmma: only the CUDA device has it; use --device cuda");
#if !defined(ADAQ_NO_CPU)
    if (device == "cpu") return make_cpu_machine(threads, math);
#endif
    usage_error("--device {}: this adaq-bench was built without it", device);
}

}  // namespace adaq
