// How threads share a layer's work: parts of its outputs, each by all channels, or by some blocks of channels where
// there are few outputs and many weights. Results do not depend on it.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "kernels/cpu/integer/packing.h"

namespace adaq::cpu::integer {

struct WorkShare {
    int64_t parts = 1;   // of the outputs
    int64_t groups = 1;  // of the blocks of channels

    int64_t items() const { return parts * groups; }

    /// parts: so many at least, which fit a core's caches, and so many at most. Of x and all weights, of which there
    /// are so many blocks, each thread reads its share of the larger.
    static WorkShare among(int threads, int64_t parts, int64_t most_parts, int64_t x_bytes, int64_t weight_bytes,
                           int64_t blocks) {
        WorkShare share{parts};
        if (parts < threads) {
            if (weight_bytes > x_bytes) {
                share.groups = std::min(blocks, divided_up(threads, parts));
            } else {
                share.parts = threads;
            }
        }
        if (share.groups == 1) share.parts = rounded_up(share.parts, threads);  // as many for each thread
        share.parts = std::min(share.parts, most_parts);
        return share;
    }
};

/// work(part, first block, end of its blocks, place) for every item, a range of items a thread. place: the thread's own
/// `place_bytes` of the workspace.
template <class Work>
void run_shared(const WorkShare& share, int64_t blocks, int threads, unsigned char* workspace, size_t place_bytes,
                const Work& work) {
    const int64_t items = share.items();
#pragma omp parallel for num_threads(threads) schedule(static) if (threads > 1 && items > 1)
    for (int thread = 0; thread < threads; ++thread) {
        unsigned char* const place = workspace + static_cast<size_t>(thread) * place_bytes;
        for (int64_t item = items * thread / threads; item < items * (thread + 1) / threads; ++item) {
            const int64_t group = item % share.groups;
            work(item / share.groups, blocks * group / share.groups, blocks * (group + 1) / share.groups, place);
        }
    }
}

}  // namespace adaq::cpu::integer
