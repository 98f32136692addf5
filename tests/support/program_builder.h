// A program of one or a few operations, its tensors by name: for tests that compare an operation on several devices.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "engine/program/device.h"
#include "kernels/reference/device.h"

namespace adaq::test {

class ProgramBuilder {
  public:
    explicit ProgramBuilder(const std::string& device) : device_(make_device(device, 2)) {}

    /// A bound tensor with values.
    TensorId put(const std::string& name, const Shape& shape, const std::vector<float>& values) {
        Buffer& buffer = buffers_[name] = device_->create(shape);
        device_->upload(*buffer, values);
        return program_.bind(buffer);
    }
    /// A bound tensor to be written; 7 until then, so that a value left out shows.
    TensorId out(const std::string& name, const Shape& shape) {
        return put(name, shape, std::vector<float>(static_cast<size_t>(element_count(shape)), 7.0f));
    }
    TensorId zeros(const std::string& name, const Shape& shape) {
        return put(name, shape, std::vector<float>(static_cast<size_t>(element_count(shape))));
    }
    TensorId temporary(const Shape& shape) { return program_.temporary(shape); }
    void add(const Operation& operation) { program_.add(operation); }
    Program& program() { return program_; }
    Device& device() { return *device_; }
    Buffer buffer(const std::string& name) const { return buffers_.at(name); }

    void run(int64_t n = 1) {
        if (!compiled_) compiled_ = device_->compile(program_);
        compiled_->run(n);
    }
    void set(const std::string& name, const std::vector<float>& values) { device_->upload(*buffers_.at(name), values); }
    /// In float64 where the device has it.
    std::vector<double> get(const std::string& name) const {
        const DeviceTensor& tensor = *buffers_.at(name);
        if (device_->name() == "reference") return reference::values_of(tensor);
        std::vector<float> values(static_cast<size_t>(element_count(tensor.shape())));
        device_->download(tensor, values);
        return {values.begin(), values.end()};
    }

  private:
    std::unique_ptr<Device> device_;
    Program program_;
    std::map<std::string, Buffer> buffers_;
    std::unique_ptr<CompiledProgram> compiled_;
};

/// Largest |a - b| over the largest |b| (or 1, where all of b is smaller).
inline double distance(const std::vector<double>& a, const std::vector<double>& b) {
    double worst = a.size() == b.size() ? 0.0 : 1e30, largest = 1.0;
    for (size_t i = 0; i < b.size() && i < a.size(); ++i) {
        worst = a[i] == b[i] ? worst : std::max(worst, std::isnan(a[i] - b[i]) ? 1e30 : std::abs(a[i] - b[i]));
        largest = std::max(largest, std::abs(b[i]));
    }
    return worst / largest;
}

/// (f(x + h) - f(x - h)) / 2h of every element of `input` of a program of the reference, f = sum of weights * output.
inline std::vector<double> central_differences(ProgramBuilder& forward, const std::string& input,
                                               const std::string& output, const std::vector<float>& weights) {
    auto& reference = dynamic_cast<reference::ReferenceTensor&>(*forward.buffer(input));
    const auto value = [&] {
        forward.run();
        const std::vector<double> y = forward.get(output);
        double sum = 0;
        for (size_t i = 0; i < y.size(); ++i) sum += weights[i] * y[i];
        return sum;
    };
    constexpr double kStep = 1e-4;
    std::vector<double> differences;
    for (double& x : reference.values) {
        const double before = x;
        x = before + kStep;
        const double above = value();
        x = before - kStep;
        differences.push_back((above - value()) / (2 * kStep));
        x = before;
    }
    return differences;
}

}  // namespace adaq::test
