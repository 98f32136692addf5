// A card that only seems to be there: allocations of any size are addresses without memory, kernels and copies are
// checked and never run, and what the host reads back is zeros. So programs of full size are compiled in seconds.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>

#include "kernels/emulator/launch.h"
#include "kernels/emulator/runtime.h"

namespace adaq::emulator {

/// While it lives, the runtime is such a card; throws Misuse for what no card would do. One at a time; what was
/// allocated while it lived is freed before it ends.
class DryRun {
  public:
    static constexpr size_t kBytes = size_t{1} << 42;  // of addresses
    static constexpr int kMultiprocessors = 132;       // an H100's, so that tiles and splits are those of a card

    DryRun();
    ~DryRun();
    DryRun(const DryRun&) = delete;
    DryRun& operator=(const DryRun&) = delete;

    bool holds(const void* pointer) const { return reinterpret_cast<uintptr_t>(pointer) - base_ < kBytes; }
    /// Null where addresses are used up, or for no bytes.
    void* allocate(size_t bytes);
    void release(void* pointer);
    /// Bounds; host memory is filled with zeros.
    void copy(void* to, const void* from, size_t bytes);
    void fill(void* to, size_t bytes) { check_range(to, bytes); }
    /// CUDA's limits.
    void check(const Launch& launch);

    int64_t launches() const { return launches_; }
    size_t most_bytes() const { return most_bytes_; }  // that were allocated at a time

  private:
    void check_range(const void* pointer, size_t bytes) const;

    uintptr_t base_ = 0;
    size_t next_ = 0, bytes_ = 0, most_bytes_ = 0;
    std::map<uintptr_t, size_t> allocations_;  // begin -> bytes
    int64_t launches_ = 0;
};

/// Null where there is none.
DryRun* dry_run();

}  // namespace adaq::emulator
