// A device that allocates and computes nothing: what a walk over a network does with a device can be rehearsed on it,
// whole calibration sets included, in an instant.
#pragma once

#include "engine/program/device.h"

namespace adaq {

/// Stands for another device: it has that one's name, limits and arithmetic, and refuses the programs that it would
/// refuse. Its tensors have a shape and no memory. What is uploaded is forgotten, however many values it has; what is
/// downloaded is zeros. Values of any tensor reach from -1 to 1, and of candidate ranges the first is the best.
class DryDevice : public Device {
  public:
    explicit DryDevice(const Device& device) : device_(device) {}
    DryDevice(const DryDevice&) = delete;  // one for a dry device is made of it as a Device
    DryDevice& operator=(const DryDevice&) = delete;

    std::string name() const override { return device_.name(); }
    std::string description() const override { return device_.description(); }
    int64_t free_memory() const override { return device_.free_memory(); }
    DeviceLimits limits() const override { return device_.limits(); }
    Math math() const override { return device_.math(); }

    using Device::create;
    Buffer create(const Shape& shape, DType dtype, Placement placement) override;
    void upload(DeviceTensor& tensor, std::span<const float> values) override;
    void upload_integers(DeviceTensor&, std::span<const int32_t>) override {}
    void download(const DeviceTensor& tensor, std::span<float> values) override;
    void edit(DeviceTensor& tensor, std::vector<float>& room, const Edit& change) override;

    std::vector<MinMax> min_max(const DeviceTensor& x, int64_t groups) override;
    std::vector<float> order_statistics(const DeviceTensor& x, int64_t groups, std::span<const int64_t> ranks) override;
    std::vector<BestRange> best_range(const DeviceTensor& x, int64_t groups, const RangeSearch& search) override;

  private:
    std::unique_ptr<CompiledProgram> compile_checked(Program program) override;

    const Device& device_;
};

}  // namespace adaq
