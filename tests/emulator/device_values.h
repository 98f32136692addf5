// Values in the emulated card's memory.
#pragma once

#include <vector>

#include "kernels/cuda/check.h"

namespace adaq::test {

template <typename T>
class DeviceValues {
  public:
    /// Not written.
    explicit DeviceValues(size_t count) : count_(count) { cuda::check_cuda(cudaMalloc(&values_, count * sizeof(T))); }
    explicit DeviceValues(const std::vector<T>& values) : DeviceValues(values.size()) {
        cuda::check_cuda(cudaMemcpy(values_, values.data(), count_ * sizeof(T), cudaMemcpyHostToDevice));
    }
    ~DeviceValues() { cudaFree(values_); }
    DeviceValues(const DeviceValues&) = delete;
    DeviceValues& operator=(const DeviceValues&) = delete;

    T* get() const { return values_; }
    std::vector<T> read() const {
        std::vector<T> values(count_);
        cuda::check_cuda(cudaMemcpy(values.data(), values_, count_ * sizeof(T), cudaMemcpyDeviceToHost));
        return values;
    }

  private:
    size_t count_;
    T* values_ = nullptr;
};

}  // namespace adaq::test
