// What is owned on a card: memory, the tensors in it, and the stream in which everything happens in order.
#pragma once

#include <memory>
#include <utility>

#include "engine/error.h"
#include "engine/program/device.h"
#include "kernels/cuda/check.h"

namespace adaq::cuda {

/// A piece of device memory, contents undefined; pinned memory of the host, at the same address for both, where asked.
class DeviceMemory {
  public:
    DeviceMemory() = default;
    explicit DeviceMemory(size_t bytes, bool on_host = false,
                          std::source_location where = std::source_location::current())
        : bytes_(bytes), on_host_(on_host) {
        if (bytes == 0) return;
        const cudaError_t status = on_host ? cudaMallocHost(&pointer_, bytes) : cudaMalloc(&pointer_, bytes);
        if (status == cudaSuccess) return;
        data_error("{}: no room for {} bytes of {} memory", message_of(status, where), bytes,
                   on_host ? "pinned host" : "device");
    }
    DeviceMemory(DeviceMemory&& other) noexcept
        : pointer_(std::exchange(other.pointer_, nullptr)),
          bytes_(std::exchange(other.bytes_, 0)),
          on_host_(other.on_host_) {}
    DeviceMemory& operator=(DeviceMemory&& other) noexcept {
        std::swap(pointer_, other.pointer_);
        std::swap(bytes_, other.bytes_);
        std::swap(on_host_, other.on_host_);
        return *this;
    }
    ~DeviceMemory() { static_cast<void>(on_host_ ? cudaFreeHost(pointer_) : cudaFree(pointer_)); }

    void* get() const { return pointer_; }
    template <typename T>
    T* as() const {
        return static_cast<T*>(pointer_);
    }
    size_t bytes() const { return bytes_; }

  private:
    void* pointer_ = nullptr;
    size_t bytes_ = 0;
    bool on_host_ = false;
};

/// A device's one stream.
class Queue {
  public:
    Queue() { check_cuda(cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking)); }
    ~Queue() { static_cast<void>(cudaStreamDestroy(stream_)); }
    Queue(const Queue&) = delete;
    Queue& operator=(const Queue&) = delete;

    cudaStream_t get() const { return stream_; }
    void wait(std::source_location where = std::source_location::current()) const {
        check_finished(cudaStreamSynchronize(stream_), where);
    }
    /// Copies that are over when they return.
    void to_device(void* to, const void* from, size_t bytes,
                   std::source_location where = std::source_location::current()) const {
        copy(to, from, bytes, where);
    }
    void to_host(void* to, const void* from, size_t bytes,
                 std::source_location where = std::source_location::current()) const {
        copy(to, from, bytes, where);
    }

  private:
    void copy(void* to, const void* from, size_t bytes, const std::source_location& where) const {
        check_finished(cudaMemcpyAsync(to, from, bytes, cudaMemcpyDefault, stream_), where);
        wait(where);
    }

    cudaStream_t stream_ = nullptr;
};

/// A tensor of the device: its elements in their logical order, in the card's memory or, spilled, in the host's, which
/// kernels reach at the same address.
struct CudaTensor : DeviceTensor {
    CudaTensor(const Shape& shape, DType dtype, Placement placement)
        : DeviceTensor(shape, dtype), memory(bytes_of(type()), placement == Placement::spilled) {}
    DeviceMemory memory;
};

}  // namespace adaq::cuda
