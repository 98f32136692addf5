// Devices that can only calibrate: they hold a tensor and call one backend's kernels, so that schemes are tested
// without the rest of a device.
#pragma once

#include <memory>
#include <stdexcept>
#include <vector>

#include "engine/device.h"
#include "kernels/cpu/calibration/calibration.h"
#include "kernels/reference/calibration.h"

namespace adaq::test {

struct ReferenceCalibration {
    using Value = double;
    static constexpr const char* kName = "reference";
    static constexpr auto kMinMax = reference::min_max;
    static constexpr auto kOrderStatistics = reference::order_statistics;
    static constexpr auto kBestRange = reference::best_range;
};

struct CpuCalibration {
    using Value = float;
    static constexpr const char* kName = "cpu";
    static constexpr auto kMinMax = cpu::min_max;
    static constexpr auto kOrderStatistics = cpu::order_statistics;
    static constexpr auto kBestRange = cpu::best_range;
};

template <typename Kernels>
class CalibrationDevice : public Device {
  public:
    std::string name() const override { return Kernels::kName; }
    std::string description() const override { return "calibration kernels alone"; }
    Buffer create(const Shape& shape) override { return std::make_shared<Memory>(shape); }
    void upload(DeviceTensor& tensor, std::span<const float> values) override {
        static_cast<Memory&>(tensor).values.assign(values.begin(), values.end());
    }
    void download(const DeviceTensor& tensor, std::span<float> values) override {
        std::copy(values_of(tensor).begin(), values_of(tensor).end(), values.begin());
    }
    std::unique_ptr<CompiledProgram> compile(const Program&) override { throw std::logic_error("calibration only"); }
    std::vector<MinMax> min_max(const DeviceTensor& x, int64_t groups) override {
        return Kernels::kMinMax(values_of(x), groups);
    }
    std::vector<float> order_statistics(const DeviceTensor& x, int64_t groups,
                                        std::span<const int64_t> ranks) override {
        return Kernels::kOrderStatistics(values_of(x), groups, ranks);
    }
    std::vector<BestRange> best_range(const DeviceTensor& x, int64_t groups, const RangeSearch& search) override {
        return Kernels::kBestRange(values_of(x), groups, search);
    }

  private:
    struct Memory : DeviceTensor {
        explicit Memory(Shape shape) : DeviceTensor(std::move(shape)) {}
        std::vector<typename Kernels::Value> values;
    };
    static const std::vector<typename Kernels::Value>& values_of(const DeviceTensor& tensor) {
        return static_cast<const Memory&>(tensor).values;
    }
};

}  // namespace adaq::test
