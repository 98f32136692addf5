#include "kernels/emulator/device_memory.h"

#include <sys/mman.h>

#include "kernels/emulator/access.h"
#include "kernels/emulator/misuse.h"
#include "kernels/emulator/sanitizer.h"

namespace adaq::emulator {
namespace {

/// Addresses without memory behind them until they are touched.
void* reserve(size_t bytes) {
    void* p = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (p == MAP_FAILED) throw std::bad_alloc();
    return p;
}

}  // namespace

DeviceMemory::DeviceMemory()
    : base_(reinterpret_cast<uintptr_t>(reserve(kBytes))),
      pages_(static_cast<Allocation**>(reserve(kBytes / kPage * sizeof(Allocation*)))) {}

DeviceMemory::~DeviceMemory() {
    munmap(reinterpret_cast<void*>(base_), kBytes);
    munmap(static_cast<void*>(pages_), kBytes / kPage * sizeof(Allocation*));
}

void* DeviceMemory::allocate(size_t bytes) {
    if (bytes == 0) return nullptr;
    const size_t pages = bytes / kPage + 1;  // one byte more than asked for at least
    size_t first = next_page_;
    if (const auto fitting = free_.find(pages); fitting != free_.end()) {
        first = fitting->second;
        free_.erase(fitting);
    } else {
        if (first + pages > kBytes / kPage) return nullptr;
        next_page_ += pages;
    }
    const uintptr_t begin = base_ + first * kPage;
    auto& allocation = allocations_[begin];
    allocation = std::make_unique<Allocation>(Allocation{begin, bytes, Shadow(bytes)});
    for (size_t page = first; page < first + pages; ++page) pages_[page] = allocation.get();
    poison(reinterpret_cast<void*>(begin), pages * kPage);
    unpoison(reinterpret_cast<void*>(begin), bytes);
    return reinterpret_cast<void*>(begin);
}

void DeviceMemory::release(void* pointer) {
    if (!pointer) return;
    const auto found = allocations_.find(reinterpret_cast<uintptr_t>(pointer));
    if (found == allocations_.end()) fail("cudaFree: not the start of an allocation");
    const size_t pages = found->second->bytes / kPage + 1, first = (found->first - base_) / kPage;
    for (size_t page = first; page < first + pages; ++page) pages_[page] = nullptr;
    madvise(pointer, pages * kPage, MADV_DONTNEED);
    poison(pointer, pages * kPage);
    free_.emplace(pages, first);
    allocations_.erase(found);
}

size_t DeviceMemory::bytes_in_use() const {
    size_t bytes = 0;
    for (const auto& [begin, allocation] : allocations_) bytes += allocation->bytes;
    return bytes;
}

Allocation& DeviceMemory::inside(const void* pointer, size_t bytes, const char* action) {
    const auto address = reinterpret_cast<uintptr_t>(pointer);
    Allocation* allocation = holds(pointer) ? find(address) : nullptr;
    if (!allocation) fail("the host {} device memory where nothing is allocated", action);
    const size_t offset = address - allocation->begin;
    if (offset + bytes > allocation->bytes) {
        fail("the host {} bytes {} to {} of an allocation of {} bytes", action, offset, offset + bytes,
             allocation->bytes);
    }
    return *allocation;
}

void DeviceMemory::host_reads(const void* from, size_t bytes) {
    if (bytes == 0) return;
    Allocation& allocation = inside(from, bytes, "reads");
    const size_t offset = reinterpret_cast<uintptr_t>(from) - allocation.begin;
    if (const auto unwritten = kRecorded ? allocation.shadow.first_unwritten(offset, bytes) : std::nullopt) {
        fail("the host reads byte {} of an allocation of {} bytes, which nobody has written", *unwritten,
             allocation.bytes);
    }
}

void DeviceMemory::host_writes(const void* to, size_t bytes) {
    if (bytes == 0) return;
    Allocation& allocation = inside(to, bytes, "writes");
    allocation.shadow.set_written(reinterpret_cast<uintptr_t>(to) - allocation.begin, bytes);
}

DeviceMemory& device_memory() {
    static DeviceMemory memory;
    return memory;
}

}  // namespace adaq::emulator
