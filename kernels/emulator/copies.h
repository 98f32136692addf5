// cp.async: copies to shared memory that arrive when they are waited for.
#pragma once

#include <array>
#include <cstddef>
#include <deque>
#include <utility>
#include <vector>

namespace adaq::emulator {

/// One thread's copies under way.
class Copies {
  public:
    void clear();
    /// bytes: 4 or 16. The source is read now (not at all where not valid: zeros will arrive), `to` written later.
    void issue(void* to, const void* from, size_t bytes, bool valid);
    void commit();
    /// Lets the oldest groups arrive, until at most `pending` are under way.
    void wait(size_t pending);
    /// What has arrived may be read by products in the background, behind the next barrier.
    void fence_proxy();

  private:
    struct Copy {
        void* to;
        size_t bytes;
        std::array<std::byte, 16> data;
    };
    std::vector<Copy> open_;  // not yet committed
    std::deque<std::vector<Copy>> groups_;
    std::vector<std::pair<void*, size_t>> unfenced_;  // arrived since the last fence_proxy(): where, bytes
};

Copies& copies_of_thread();

}  // namespace adaq::emulator
