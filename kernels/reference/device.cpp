// The reference device: float64 memory, the interpreter, plain calibration.
#include "kernels/reference/device.h"

#include <algorithm>

#include "engine/bf16.h"
#include "engine/error.h"
#include "kernels/host_memory.h"
#include "kernels/reference/calibration.h"
#include "kernels/reference/interpreter.h"

namespace adaq::reference {
namespace {

class ReferenceDevice : public Device {
  public:
    std::string name() const override { return "reference"; }
    std::string description() const override { return "plain loops in float64"; }
    using Device::create;
    Buffer create(const Shape& shape, DType dtype, Placement) override {
        return std::make_shared<ReferenceTensor>(shape, dtype);
    }
    int64_t free_memory() const override { return free_host_memory(); }
    void upload(DeviceTensor& tensor, std::span<const float> values) override {
        auto& memory = dynamic_cast<ReferenceTensor&>(tensor).values;
        require(values.size() == memory.size(), "upload: {} values into {}", values.size(), memory.size());
        const bool half = tensor.dtype() == DType::bf16;
        std::transform(values.begin(), values.end(), memory.begin(),
                       [half](float v) { return half ? to_float(to_bf16(v)) : v; });
    }
    void upload_integers(DeviceTensor& tensor, std::span<const int32_t> integers) override {
        auto& memory = dynamic_cast<ReferenceTensor&>(tensor).values;
        require(tensor.dtype() == DType::i32 && integers.size() == memory.size(), "upload: {} integers into {}",
                integers.size(), memory.size());
        std::copy(integers.begin(), integers.end(), memory.begin());
    }
    void download(const DeviceTensor& tensor, std::span<float> values) override {
        const auto& memory = values_of(tensor);
        require(values.size() == memory.size(), "download: {} values from {}", values.size(), memory.size());
        std::transform(memory.begin(), memory.end(), values.begin(), [](double v) { return static_cast<float>(v); });
    }
    std::vector<MinMax> min_max(const DeviceTensor& x, int64_t groups) override {
        return reference::min_max(values_of(x), groups);
    }
    std::vector<float> order_statistics(const DeviceTensor& x, int64_t groups,
                                        std::span<const int64_t> ranks) override {
        return reference::order_statistics(values_of(x), groups, ranks);
    }
    std::vector<BestRange> best_range(const DeviceTensor& x, int64_t groups, const RangeSearch& search) override {
        return reference::best_range(values_of(x), groups, search);
    }

  private:
    std::unique_ptr<CompiledProgram> compile_checked(Program program) override {
        return std::make_unique<Interpreter>(std::move(program));
    }
};

}  // namespace

const std::vector<double>& values_of(const DeviceTensor& tensor) {
    return dynamic_cast<const ReferenceTensor&>(tensor).values;
}

std::unique_ptr<Device> make_reference_device() { return std::make_unique<ReferenceDevice>(); }

}  // namespace adaq::reference
