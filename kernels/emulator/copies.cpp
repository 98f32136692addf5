#include "kernels/emulator/copies.h"

#include <cstdint>
#include <cstring>

#include "kernels/emulator/access.h"
#include "kernels/emulator/misuse.h"
#include "kernels/emulator/sanitizer.h"

namespace adaq::emulator {

void Copies::clear() {
    open_.clear();
    groups_.clear();
    unfenced_.clear();
}

void Copies::issue(void* to, const void* from, size_t bytes, bool valid) {
    if (reinterpret_cast<uintptr_t>(to) % bytes != 0) fail("cp.async of {} bytes to an unaligned address", bytes);
    if (valid && reinterpret_cast<uintptr_t>(from) % bytes != 0) {
        fail("cp.async of {} bytes from an unaligned address", bytes);
    }
    Copy copy{to, bytes, {}};
    if (valid) {
        check_access(from, bytes, Access::read);
        std::memcpy(copy.data.data(), from, bytes);
    }
    start_copy(to, bytes);
    open_.push_back(copy);
    poison(to, bytes);
}

void Copies::commit() {
    groups_.push_back(std::move(open_));
    open_.clear();
}

void Copies::wait(size_t pending) {
    while (groups_.size() > pending) {
        for (const Copy& copy : groups_.front()) {
            unpoison(copy.to, copy.bytes);
            std::memcpy(copy.to, copy.data.data(), copy.bytes);
            finish_copy(copy.to, copy.bytes);
            unfenced_.emplace_back(copy.to, copy.bytes);
        }
        groups_.pop_front();
    }
}

void Copies::fence_proxy() {
    for (const auto& [to, bytes] : unfenced_) fence_copy(to, bytes);
    unfenced_.clear();
}

}  // namespace adaq::emulator
