// Stacks for a block's threads, each below a page that nobody may touch, kept from block to block.
#pragma once

#include <cstddef>
#include <vector>

namespace adaq::emulator {

class Stacks {
  public:
#if defined(__SANITIZE_ADDRESS__)
    static constexpr size_t kBytes = 512 * 1024;
#else
    static constexpr size_t kBytes = 128 * 1024;
#endif
    Stacks() = default;
    ~Stacks();
    Stacks(const Stacks&) = delete;
    Stacks& operator=(const Stacks&) = delete;

    /// The lowest address of stack `number`.
    std::byte* get(size_t number);

  private:
    static constexpr size_t kGuard = 4096;
    std::vector<std::byte*> mapped_;
};

}  // namespace adaq::emulator
