#include "kernels/emulator/releases.h"

#include <algorithm>

#include "kernels/emulator/running.h"

namespace adaq::emulator {

void Releases::atomic(uintptr_t counter) {
    const unsigned thread = running.me.thread();
    const bool known = std::any_of(seen_.begin(), seen_.end(), [&](const Seen& s) {
        return s.counter == counter && (s.thread == thread || s.epoch < running.me.epoch);
    });
    if (!known) seen_.push_back({counter, running.me.epoch, thread});
    if (running.fenced_epoch != 0) {
        published_[counter].push_back({running.block_epoch, running.fenced_epoch, thread});
    }
}

bool Releases::covers(const std::vector<Publication>& publications, const Stamp& stamp) {
    // Blocks run one after the other, so publications are in order of their blocks' epochs.
    auto next = std::upper_bound(publications.begin(), publications.end(), stamp.epoch,
                                 [](uint32_t epoch, const Publication& p) { return epoch < p.first_epoch; });
    if (next == publications.begin()) return false;
    const uint32_t block = (next - 1)->first_epoch;
    while (next != publications.begin() && (next - 1)->first_epoch == block) {
        --next;
        if (stamp.epoch < next->fence_epoch) return true;
        if (stamp.epoch == next->fence_epoch && stamp.thread() == next->thread) return true;
    }
    return false;
}

bool Releases::visible(const Stamp& stamp) const {
    return std::any_of(seen_.begin(), seen_.end(), [&](const Seen& s) {
        if (s.thread != running.me.thread() && s.epoch >= running.me.epoch) return false;
        const auto found = published_.find(s.counter);
        return found != published_.end() && covers(found->second, stamp);
    });
}

Releases& releases() {
    static Releases one;
    return one;
}

}  // namespace adaq::emulator
