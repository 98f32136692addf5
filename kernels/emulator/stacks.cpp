#include "kernels/emulator/stacks.h"

#include <sys/mman.h>

#include <new>

namespace adaq::emulator {

Stacks::~Stacks() {
    for (std::byte* stack : mapped_) munmap(stack, kGuard + kBytes);
}

std::byte* Stacks::get(size_t number) {
    while (mapped_.size() <= number) {
        void* p =
            mmap(nullptr, kGuard + kBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (p == MAP_FAILED) throw std::bad_alloc();
        mprotect(p, kGuard, PROT_NONE);
        mapped_.push_back(static_cast<std::byte*>(p));
    }
    return mapped_[number] + kGuard;
}

}  // namespace adaq::emulator
