// A block's shared memory, handed out in pieces with guarded gaps between them.
#pragma once

#include <cstddef>
#include <vector>

namespace adaq::emulator {

/// The limits of sm_90.
inline constexpr size_t kMaxSharedBytes = 227 * 1024;
inline constexpr unsigned kMaxThreads = 1024;

/// Thread's piece number `number` of its block; counts against what the launcher asked for.
void* take_shared(size_t number, size_t bytes, size_t counted_bytes);

}  // namespace adaq::emulator

namespace adaq::cuda {

/// As in kernels/cuda/platform.h. Each piece is exactly as long as asked for.
class SharedMemory {
  public:
    template <typename T>
    T* take(size_t count) {
        constexpr size_t kAlignment = 128;  // kSharedAlignment
        const size_t bytes = count * sizeof(T);
        return static_cast<T*>(
            emulator::take_shared(taken_++, bytes, (bytes + kAlignment - 1) / kAlignment * kAlignment));
    }

  private:
    size_t taken_ = 0;
};

}  // namespace adaq::cuda
