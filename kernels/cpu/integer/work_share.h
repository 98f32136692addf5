// How threads share a layer's work: parts of its outputs, each by all channels, or by some blocks of channels where
// there are few outputs and many weights. Results do not depend on it.
#pragma once

#include <algorithm>
#include <cstddef>

#include "kernels/cpu/integer/geometry.h"

namespace adaq::cpu::integer {

struct WorkShare {
    int64_t parts = 1;           // of the outputs
    int64_t channel_groups = 1;  // into which the blocks of channels are cut

    int64_t items() const { return parts * channel_groups; }

    /// parts: so many fit a core's caches one by one, > 0; there are at most `most_parts`. Where they are fewer than
    /// threads the larger of x and the weights is cut further, and both where blocks of weights are too few.
    static WorkShare among(int threads, int64_t parts, int64_t most_parts, int64_t x_bytes, int64_t weight_bytes,
                           int64_t blocks) {
        WorkShare share{parts};
        if (parts < threads && weight_bytes > x_bytes)
            share.channel_groups = std::min(blocks, divided_up(threads, parts));
        if (share.channel_groups == 1) {
            share.parts = rounded_up(parts, threads);  // as many for each thread
        } else {
            share.parts = std::max(parts, divided_up(threads, share.channel_groups));
        }
        share.parts = std::min(share.parts, most_parts);
        return share;
    }
};

/// work(part, first block, end of its blocks, place) for every item, a range of items a thread. place: the thread's own
/// `place_bytes` of the workspace.
template <class Work>
void run_shared(const WorkShare& share, int64_t blocks, int threads, unsigned char* workspace, size_t place_bytes,
                const Work& work) {
    const int64_t items = share.items(), groups = share.channel_groups;
#pragma omp parallel for num_threads(threads) schedule(static) if (threads > 1 && items > 1)
    for (int thread = 0; thread < threads; ++thread) {
        unsigned char* const place = workspace + static_cast<size_t>(thread) * place_bytes;
        for (int64_t item = items * thread / threads; item < items * (thread + 1) / threads; ++item) {
            const int64_t group = item % groups;
            work(item / groups, blocks * group / groups, blocks * (group + 1) / groups, place);
        }
    }
}

}  // namespace adaq::cpu::integer
