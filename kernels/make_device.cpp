// The table of devices: where a name becomes one.
#include "engine/error.h"
#include "engine/program/device.h"
#include "kernels/reference/device.h"
#if !defined(ADAQ_NO_CPU)
#include "kernels/cpu/device.h"
#endif
#if defined(ADAQ_HAS_CUDA)
#include "kernels/cuda/device.h"
#endif

namespace adaq {

std::unique_ptr<Device> make_device(const std::string& name, [[maybe_unused]] int threads, [[maybe_unused]] Math math) {
#if defined(ADAQ_HAS_CUDA)
    if (name == "cuda" || (name == "auto" && cuda::cuda_available())) return cuda::make_cuda_device(math);
#else
    if (name == "cuda") usage_error("`device` cuda: this adaq was built without CUDA; use `device` cpu");
#endif
#if defined(ADAQ_NO_CPU)
    if (name == "auto") usage_error("`device` auto: no card, and this adaq was built without the CPU device");
    if (name == "cpu") usage_error("`device` cpu: this adaq was built without the CPU device");
#else
    if (name == "auto" || name == "cpu") return cpu::make_cpu_device(threads, math);
#endif
    if (name == "reference") return reference::make_reference_device();
    usage_error("`device` {}: no such device; expected auto, cuda, cpu or reference", name);
}

}  // namespace adaq
