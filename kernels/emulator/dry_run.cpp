#include "kernels/emulator/dry_run.h"

#include <sys/mman.h>

#include <algorithm>
#include <cstring>
#include <new>

#include "kernels/emulator/misuse.h"
#include "kernels/emulator/shared_memory.h"

namespace adaq::emulator {
namespace {

constexpr size_t kAlignment = 512;  // cudaMalloc's, and the least between two allocations
constexpr unsigned kMostBlocksAlongYZ = 65535;
constexpr unsigned kMostBlocksAlongX = 2147483647;

DryRun* running_dry = nullptr;

std::string place(const std::source_location& where) {
    const std::string file = where.file_name();
    return fmt::format("{}:{}", file.substr(file.rfind('/') + 1), where.line());
}

}  // namespace

DryRun::DryRun() {
    if (running_dry) fail("a second dry run at the same time");
    void* p = mmap(nullptr, kBytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (p == MAP_FAILED) throw std::bad_alloc();
    base_ = reinterpret_cast<uintptr_t>(p);
    running_dry = this;
}

DryRun::~DryRun() {
    running_dry = nullptr;
    munmap(reinterpret_cast<void*>(base_), kBytes);
}

void* DryRun::allocate(size_t bytes) {
    if (bytes == 0) return nullptr;
    const size_t room = (bytes / kAlignment + 1) * kAlignment;  // one byte more than asked for at least
    if (room > kBytes - next_) return nullptr;
    const uintptr_t begin = base_ + next_;
    next_ += room;
    allocations_.emplace(begin, bytes);
    bytes_ += bytes;
    most_bytes_ = std::max(most_bytes_, bytes_);
    return reinterpret_cast<void*>(begin);
}

void DryRun::release(void* pointer) {
    const auto found = allocations_.find(reinterpret_cast<uintptr_t>(pointer));
    if (found == allocations_.end()) fail("cudaFree: not the start of an allocation");
    bytes_ -= found->second;
    allocations_.erase(found);
}

void DryRun::check_range(const void* pointer, size_t bytes) const {
    if (bytes == 0) return;
    const auto address = reinterpret_cast<uintptr_t>(pointer);
    auto allocation = allocations_.upper_bound(address);
    if (allocation == allocations_.begin() || address - (--allocation)->first >= allocation->second)
        fail("a copy of {} bytes where nothing is allocated on the card", bytes);
    const size_t offset = address - allocation->first;
    if (bytes > allocation->second - offset)
        fail("a copy of bytes {} to {} of an allocation of {} bytes", offset, offset + bytes, allocation->second);
}

void DryRun::copy(void* to, const void* from, size_t bytes) {
    if (holds(to)) check_range(to, bytes);
    if (holds(from)) check_range(from, bytes);
    if (!holds(to) && bytes > 0) std::memset(to, 0, bytes);
}

void DryRun::check(const Launch& launch) {
    ++launches_;
    const auto wrong = [&](const std::string& what) { fail("kernel launched at {}: {}", place(launch.where), what); };
    const size_t threads = size_t{launch.block.x} * launch.block.y * launch.block.z;
    if (threads == 0 || threads > kMaxThreads) wrong(fmt::format("{} threads a block", threads));
    if (launch.shared_bytes > kMaxSharedBytes) wrong(fmt::format("{} bytes of shared memory", launch.shared_bytes));
    const dim3& grid = launch.grid;
    const bool empty = grid.x == 0 || grid.y == 0 || grid.z == 0;
    if (empty || grid.x > kMostBlocksAlongX || std::max(grid.y, grid.z) > kMostBlocksAlongYZ)
        wrong(fmt::format("a grid of {} x {} x {}", grid.x, grid.y, grid.z));
}

DryRun* dry_run() { return running_dry; }

}  // namespace adaq::emulator
