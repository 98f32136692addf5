// What is owned on a card: memory and the stream in which everything happens in order.
#pragma once

#include <memory>
#include <utility>

#include "kernels/cuda/check.h"

namespace adaq::cuda {

/// A piece of device memory, contents undefined.
class DeviceMemory {
  public:
    DeviceMemory() = default;
    explicit DeviceMemory(size_t bytes) : bytes_(bytes) {
        if (bytes > 0) check_cuda(cudaMalloc(&pointer_, bytes));
    }
    DeviceMemory(DeviceMemory&& other) noexcept
        : pointer_(std::exchange(other.pointer_, nullptr)), bytes_(std::exchange(other.bytes_, 0)) {}
    DeviceMemory& operator=(DeviceMemory&& other) noexcept {
        std::swap(pointer_, other.pointer_);
        std::swap(bytes_, other.bytes_);
        return *this;
    }
    ~DeviceMemory() { static_cast<void>(cudaFree(pointer_)); }

    void* get() const { return pointer_; }
    template <typename T>
    T* as() const {
        return static_cast<T*>(pointer_);
    }
    size_t bytes() const { return bytes_; }

  private:
    void* pointer_ = nullptr;
    size_t bytes_ = 0;
};

/// A device's one stream.
class Queue {
  public:
    Queue() { check_cuda(cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking)); }
    ~Queue() { static_cast<void>(cudaStreamDestroy(stream_)); }
    Queue(const Queue&) = delete;
    Queue& operator=(const Queue&) = delete;

    cudaStream_t get() const { return stream_; }
    void wait() const { check_cuda(cudaStreamSynchronize(stream_)); }
    /// Copies that are over when they return.
    void to_device(void* to, const void* from, size_t bytes) const {
        check_cuda(cudaMemcpyAsync(to, from, bytes, cudaMemcpyHostToDevice, stream_));
        wait();
    }
    void to_host(void* to, const void* from, size_t bytes) const {
        check_cuda(cudaMemcpyAsync(to, from, bytes, cudaMemcpyDeviceToHost, stream_));
        wait();
    }

  private:
    cudaStream_t stream_ = nullptr;
};

}  // namespace adaq::cuda
