// The emulated card's memory: one range of addresses, in which every allocation begins on a page of its own and is
// followed by at least one byte (as a rule by many) that belongs to nobody.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <vector>

#include "kernels/emulator/shadow.h"

namespace adaq::emulator {

struct Allocation {
    uintptr_t begin = 0;
    size_t bytes = 0;
    Shadow shadow;
};

class DeviceMemory {
  public:
    static constexpr size_t kBytes = size_t{32} << 30;  // of addresses; memory is taken as it is touched
    static constexpr size_t kPage = 4096;

    DeviceMemory();
    ~DeviceMemory();
    DeviceMemory(const DeviceMemory&) = delete;
    DeviceMemory& operator=(const DeviceMemory&) = delete;

    /// Null where addresses are used up, or for no bytes.
    void* allocate(size_t bytes);
    void release(void* pointer);
    /// Of all allocations, as asked for.
    size_t bytes_in_use() const;

    bool holds(const void* pointer) const { return reinterpret_cast<uintptr_t>(pointer) - base_ < kBytes; }
    /// The allocation on whose pages the address lies; null where there is none.
    Allocation* find(uintptr_t address) { return pages_[(address - base_) / kPage]; }

    /// A copy by the host: checks bounds, and that what it reads was written.
    void host_reads(const void* from, size_t bytes);
    void host_writes(const void* to, size_t bytes);

  private:
    Allocation& inside(const void* pointer, size_t bytes, const char* action);

    uintptr_t base_ = 0;
    size_t next_page_ = 0;
    Allocation** pages_ = nullptr;        // [kBytes / kPage], untouched pages are null
    std::multimap<size_t, size_t> free_;  // pages -> first page
    std::map<uintptr_t, std::unique_ptr<Allocation>> allocations_;
};

DeviceMemory& device_memory();

}  // namespace adaq::emulator
