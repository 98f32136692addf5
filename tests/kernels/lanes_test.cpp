#include "kernels/cpu/lanes.h"

#include <doctest/doctest.h>
#include <omp.h>

#include <algorithm>
#include <atomic>
#include <stdexcept>

using namespace adaq::cpu;

TEST_SUITE("CPU lanes") {
    TEST_CASE("every item is done once, by a lane that there is, in one OpenMP thread") {
        for (int count : {1, 2, 5}) {
            Lanes lanes(count);
            CHECK(lanes.count() == count);
            for (int64_t items : {0, 1, 3, 1000})
                for (const Lanes::First first : {Lanes::First::whoever, Lanes::First::each}) {
                    std::vector<std::atomic<int>> done(static_cast<size_t>(items));
                    std::atomic<bool> lanes_exist{true}, alone{true};
                    lanes.run(
                        items,
                        [&](int lane, int64_t item) {
                            ++done[static_cast<size_t>(item)];
                            if (lane < 0 || lane >= count) lanes_exist = false;
                            if (omp_get_max_threads() != 1) alone = false;
                        },
                        first);
                    CHECK(std::all_of(done.begin(), done.end(), [](const auto& times) { return times == 1; }));
                    CHECK(lanes_exist);
                    CHECK(alone);
                }
        }
    }

    TEST_CASE("each lane has an item of its own where it is to have one") {
        constexpr int kLanes = 4;
        Lanes lanes(kLanes);
        for (int repeat = 0; repeat < 20; ++repeat) {
            std::vector<int> done_by(2 * kLanes, -1);
            lanes.run(
                2 * kLanes, [&](int lane, int64_t item) { done_by[static_cast<size_t>(item)] = lane; },
                Lanes::First::each);
            for (int lane = 0; lane < kLanes; ++lane) CHECK(done_by[static_cast<size_t>(lane)] == lane);
        }
    }

    TEST_CASE("lanes work at the same time") {
        constexpr int kLanes = 3;
        Lanes lanes(kLanes);
        std::atomic<int> arrived{0};
        lanes.run(kLanes, [&](int, int64_t) {
            ++arrived;
            while (arrived < kLanes) std::this_thread::yield();  // hangs if one lane took two items
        });
        CHECK(arrived == kLanes);
    }

    TEST_CASE("what the work throws comes out, and the lanes go on working afterwards") {
        Lanes lanes(3);
        const auto fail = [](int, int64_t item) {
            if (item == 7) throw std::runtime_error("item 7");
        };
        CHECK_THROWS_WITH_AS(lanes.run(100, fail), "item 7", std::runtime_error);
        std::atomic<int> done{0};
        lanes.run(10, [&](int, int64_t) { ++done; });
        CHECK(done == 10);
    }
}
