// A tensor in host memory, 64-byte aligned, with a version that counts its uploads, so that whoever keeps a reordered
// copy (a convolution its weights) knows when to renew it; and with what operations have made of its values, for all
// that need the same.
#pragma once

#include <cstdlib>
#include <map>
#include <memory>
#include <mutex>
#include <new>
#include <span>
#include <string>

#include "engine/error.h"
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

/// Other forms of a tensor's values, such as packed weights. Used by several threads at once.
class Forms {
  public:
    /// The form of this kind and key, which `make` makes where there is none of this version. It has bytes().
    template <typename Form, typename Make>
    std::shared_ptr<const Form> get(uint64_t version, const std::string& key, const Make& make) {
        const std::lock_guard lock(mutex_);
        if (version != version_) made_.clear();
        version_ = version;
        Made& made = made_[key];
        if (!made.form) {
            auto form = std::make_shared<const Form>(make());
            made = {form, static_cast<int64_t>(form->bytes())};
        }
        return std::static_pointer_cast<const Form>(made.form);
    }
    int64_t bytes() const {
        const std::lock_guard lock(mutex_);
        int64_t sum = 0;
        for (const auto& [key, made] : made_) sum += made.bytes;
        return sum;
    }

  private:
    struct Made {
        std::shared_ptr<const void> form;
        int64_t bytes = 0;
    };
    mutable std::mutex mutex_;
    std::map<std::string, Made> made_;
    uint64_t version_ = 0;
};

struct CpuTensor : DeviceTensor {
    CpuTensor(const Shape& s, DType d) : DeviceTensor(s, d), memory(floats_for(s, d)) {}
    CpuTensor(const Shape& s, DType d, const std::string& spill_folder)
        : DeviceTensor(s, d), memory(floats_for(s, d), spill_folder) {}
    static int64_t floats_for(const Shape& s, DType d) { return (element_count(s) * bytes_of(d) + 3) / 4; }
    /// As they are stored. Throws std::logic_error where only their forms are left (Device::keep_forms_alone).
    template <typename T>
    std::span<const T> elements() const {
        require(memory.data() != nullptr, "cpu: the values of a tensor are wanted of which only other forms were kept");
        return {reinterpret_cast<const T*>(memory.data()), static_cast<size_t>(element_count(shape()))};
    }

    AlignedFloats memory;  // elements of fewer bytes share a float's room
    uint64_t version = 0;  // 0: never uploaded
    Forms forms;
};

}  // namespace adaq::cpu
