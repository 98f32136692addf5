// See dry_device.h.
#include "adaq/plan/dry_device.h"

#include <algorithm>

namespace adaq {
namespace {

/// Owns the tensors that it is bound to, as a program of any device does.
class NothingToRun : public CompiledProgram {
  public:
    explicit NothingToRun(Program program) : program_(std::move(program)) {}
    void run(int64_t /*n*/) override {}

  private:
    Program program_;
};

}  // namespace

Buffer DryDevice::create(const Shape& shape, DType dtype, Placement /*placement*/) {
    return std::make_shared<DeviceTensor>(shape, dtype);
}

void DryDevice::upload(DeviceTensor& /*tensor*/, std::span<const float> /*values*/) {}

void DryDevice::download(const DeviceTensor& /*tensor*/, std::span<float> values) {
    std::fill(values.begin(), values.end(), 0.0f);
}

void DryDevice::edit(DeviceTensor& /*tensor*/, std::vector<float>& /*room*/, const Edit& /*change*/) {}

std::vector<MinMax> DryDevice::min_max(const DeviceTensor& /*x*/, int64_t groups) {
    return std::vector(groups, MinMax{-1.0f, 1.0f});
}

std::vector<float> DryDevice::order_statistics(const DeviceTensor& /*x*/, int64_t groups,
                                               std::span<const int64_t> ranks) {
    return std::vector<float>(groups * ranks.size());
}

std::vector<BestRange> DryDevice::best_range(const DeviceTensor& /*x*/, int64_t groups, const RangeSearch& /*search*/) {
    return std::vector<BestRange>(groups);
}

std::unique_ptr<CompiledProgram> DryDevice::compile_checked(Program program) {
    return std::make_unique<NothingToRun>(std::move(program));
}

}  // namespace adaq
