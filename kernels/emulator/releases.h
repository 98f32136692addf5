// "The last block does the rest": what blocks of a launch publish to each other through a counter in device memory.
//
// The rule: a thread that has passed a __threadfence() and then does an atomic operation on a counter publishes all
// that its block did before its last barrier, and all that it did itself before the fence. A thread that later does an
// atomic operation on the same counter sees what was published there, and so do its block's threads behind the next
// barrier.
#pragma once

#include <cstdint>
#include <unordered_map>
#include <vector>

#include "kernels/emulator/shadow.h"

namespace adaq::emulator {

class Releases {
  public:
    void start_launch() { published_.clear(); }
    void start_block() { seen_.clear(); }

    /// The running thread's atomic operation on a counter.
    void atomic(uintptr_t counter);

    /// Whether the running thread sees what another block did at that time.
    bool visible(const Stamp& stamp) const;

  private:
    struct Publication {
        uint32_t first_epoch, fence_epoch;  // the block's first; that in which the fence was
        unsigned thread;
    };
    struct Seen {
        uintptr_t counter;
        uint32_t epoch;
        unsigned thread;
    };
    static bool covers(const std::vector<Publication>& publications, const Stamp& stamp);

    std::unordered_map<uintptr_t, std::vector<Publication>> published_;
    std::vector<Seen> seen_;
};

Releases& releases();

}  // namespace adaq::emulator
