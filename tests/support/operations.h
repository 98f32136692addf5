// Small programs of one operation, run on a device of choice.
#pragma once

#include <cstdint>
#include <vector>

#include "engine/program/device.h"

namespace adaq::test {

/// Splitmix64, so that every run and machine sees the same values.
class Values {
  public:
    explicit Values(uint64_t seed) : state_(seed) {}
    uint64_t next() {
        uint64_t z = state_ += 0x9E3779B97F4A7C15u;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
        return z ^ (z >> 31);
    }
    /// In [-1, 1).
    float real() { return static_cast<float>(static_cast<double>(next() >> 11) / 4503599627370496.0 - 1.0); }
    /// Whole numbers in [lo, hi].
    float whole(int lo, int hi) {
        return static_cast<float>(lo + static_cast<int>(next() % static_cast<uint64_t>(hi - lo + 1)));
    }
    std::vector<float> reals(int64_t count) {
        std::vector<float> values(static_cast<size_t>(count));
        for (float& v : values) v = real();
        return values;
    }
    std::vector<float> wholes(int64_t count, int lo, int hi) {
        std::vector<float> values(static_cast<size_t>(count));
        for (float& v : values) v = whole(lo, hi);
        return values;
    }

  private:
    uint64_t state_;
};

/// A device with what a test needs to feed and read it.
class Bench {
  public:
    explicit Bench(const std::string& device, int threads = 2) : device_(make_device(device, threads)) {}

    Buffer put(const Shape& shape, const std::vector<float>& values) {
        Buffer buffer = device_->create(shape);
        device_->upload(*buffer, values);
        return buffer;
    }
    std::vector<float> get(const Buffer& buffer) {
        std::vector<float> values(static_cast<size_t>(element_count(buffer->shape())));
        device_->download(*buffer, values);
        return values;
    }
    Device& device() { return *device_; }

  private:
    std::unique_ptr<Device> device_;
};

/// Of what a window of one edge makes of `in`.
inline int64_t window_extent(int64_t in, int64_t window, int stride, int padding) {
    return (in + 2 * padding - window) / stride + 1;
}

/// Largest |a - b| over the largest |b|.
inline double relative_error(const std::vector<float>& a, const std::vector<float>& b) {
    double worst = a.size() == b.size() ? 0.0 : 1e30, largest = 1e-30;
    for (size_t i = 0; i < b.size() && i < a.size(); ++i) {
        worst = std::max(worst, std::abs(static_cast<double>(a[i]) - b[i]));
        largest = std::max(largest, std::abs(static_cast<double>(b[i])));
    }
    return worst / largest;
}

}  // namespace adaq::test
