// The table of devices: where a name becomes one.
#include "engine/device.h"
#include "engine/error.h"
#include "kernels/reference/device.h"
#if !defined(ADAQ_NO_CPU)
#include "kernels/cpu/device.h"
#endif

namespace adaq {

std::unique_ptr<Device> make_device(const std::string& name, [[maybe_unused]] int threads, [[maybe_unused]] Math math) {
#if defined(ADAQ_NO_CPU)
    if (name == "cpu") usage_error("--device cpu: this adaq was built without the CPU device");
#else
    if (name == "auto" || name == "cpu") return cpu::make_cpu_device(threads, math);
#endif
    if (name == "reference") return reference::make_reference_device();
    if (name == "cuda") usage_error("--device cuda: this adaq was built without CUDA; use --device cpu");
    usage_error("--device {}: no such device; expected auto, cpu or reference", name);
}

}  // namespace adaq
