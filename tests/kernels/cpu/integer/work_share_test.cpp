// How threads share an integer layer's work.
#include "kernels/cpu/integer/work_share.h"

#include <doctest/doctest.h>

#include <vector>

#include "support/operations.h"

using namespace adaq;
using namespace adaq::test;
using cpu::integer::run_shared;
using cpu::integer::WorkShare;

TEST_SUITE("work share") {
    TEST_CASE("the larger of outputs and weights is cut, until every thread has work") {
        struct Expected {
            int threads;
            int64_t parts, most_parts, x_bytes, weight_bytes, blocks;
            int64_t in_parts, in_groups;
        };
        for (const Expected& e : std::vector<Expected>{
                 {1, 5, 100, 10, 20, 4, 5, 1},    // parts as they fit the caches
                 {2, 5, 100, 10, 20, 4, 6, 1},    // as many for each thread
                 {8, 5, 100, 20, 10, 4, 8, 1},    // large maps
                 {8, 1, 100, 10, 20, 16, 1, 8},   // large weights
                 {16, 5, 100, 10, 20, 2, 8, 2},   // both: there are two blocks alone
                 {16, 1, 3, 10, 20, 2, 3, 2},     // a map of three lines
                 {16, 1, 100, 10, 20, 1, 16, 1},  // one block
                 {4, 2, 2, 20, 10, 4, 2, 1},
             }) {
            const WorkShare share =
                WorkShare::among(e.threads, e.parts, e.most_parts, e.x_bytes, e.weight_bytes, e.blocks);
            CAPTURE(e.threads);
            CAPTURE(e.parts);
            CHECK(share.parts == e.in_parts);
            CHECK(share.channel_groups == e.in_groups);
        }
    }

    TEST_CASE("every block of every part is computed once, in the thread's own place") {
        Values values(61);
        for (int i = 0; i < 200; ++i) {
            const int threads = static_cast<int>(values.whole(1, 9));
            const int64_t blocks = values.whole(1, 12), most_parts = values.whole(1, 30),
                          parts = values.whole(1, static_cast<int>(most_parts));
            const WorkShare share =
                WorkShare::among(threads, parts, most_parts, 10, values.whole(0, 1) == 0 ? 5 : 20, blocks);
            CHECK(share.parts <= most_parts);
            constexpr size_t kPlace = 8;
            std::vector<unsigned char> workspace(static_cast<size_t>(threads) * kPlace);
            std::vector<int> done(static_cast<size_t>(share.parts * blocks));
            run_shared(share, blocks, threads, workspace.data(), kPlace,
                       [&](int64_t part, int64_t first, int64_t end, unsigned char* place) {
                           const bool own = place >= workspace.data() && place < workspace.data() + workspace.size() &&
                                            static_cast<size_t>(place - workspace.data()) % kPlace == 0;
                           if (!own || first >= end) return;  // no group is empty
                           for (int64_t block = first; block < end; ++block)
                               ++done[static_cast<size_t>(part * blocks + block)];
                       });
            CHECK(done == std::vector<int>(done.size(), 1));
        }
    }
}
