// A tensor in host memory, 64-byte aligned, with a version that counts its uploads, so that whoever keeps a reordered
// copy (a convolution its weights) knows when to renew it.
#pragma once

#include <cstdlib>
#include <memory>
#include <new>
#include <span>

#include "engine/program/device.h"
#include "kernels/host_memory.h"

namespace adaq::cpu {

/// Uninitialised floats at a multiple of 64 bytes, in memory or in a mapped file.
class AlignedFloats {
  public:
    AlignedFloats() = default;
    explicit AlignedFloats(int64_t count) : count_(count), data_(allocate(count)) {}
    /// In a nameless file in `folder`, which goes with the last owner or the process.
    AlignedFloats(int64_t count, const std::string& folder) : count_(count), file_(folder, count * sizeof(float)) {}
    float* data() const { return file_.data() ? static_cast<float*>(file_.data()) : data_.get(); }
    int64_t size() const { return count_; }
    std::span<float> span() const { return std::span(data(), count_); }

  private:
    struct Free {
        void operator()(float* p) const { std::free(p); }
    };
    static float* allocate(int64_t count) {
        const size_t bytes = (count * sizeof(float) + 127) / 64 * 64;
        auto* memory = static_cast<float*>(std::aligned_alloc(64, bytes));
        if (memory == nullptr) throw std::bad_alloc();
        return memory;
    }
    int64_t count_ = 0;
    std::unique_ptr<float, Free> data_;
    SpillFile file_;
};

struct CpuTensor : DeviceTensor {
    CpuTensor(const Shape& s, DType d) : DeviceTensor(s, d), memory(floats_for(s, d)) {}
    CpuTensor(const Shape& s, DType d, const std::string& spill_folder)
        : DeviceTensor(s, d), memory(floats_for(s, d), spill_folder) {}
    static int64_t floats_for(const Shape& s, DType d) { return (element_count(s) * bytes_of(d) + 3) / 4; }
    AlignedFloats memory;  // elements of fewer bytes share a float's room
    uint64_t version = 0;
};

}  // namespace adaq::cpu
