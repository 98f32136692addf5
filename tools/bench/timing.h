// Repeated runs of one piece of work: the best tells what the code can do, the median what the machine gave it.
//
// A loop of our own rather than Google Benchmark: the results go into tables with columns that it does not have (share
// of the measured peak, images per second, a count of equal layers), and its adaptive iteration counts hide the best
// run, which on a machine that does other things too is the number that repeats.
#pragma once

#include <algorithm>
#include <chrono>
#include <functional>
#include <vector>

namespace adaq {

struct Timing {
    double best = 0.0, median = 0.0;  // seconds a run
    int runs = 0;
};

/// Runs each work once unmeasured, then all of them in turn for about `seconds` together, each at least three times:
/// what else the machine does in the meantime slows them alike.
inline std::vector<Timing> time_in_turn(double seconds, const std::vector<std::function<void()>>& works) {
    using Clock = std::chrono::steady_clock;
    constexpr size_t kFewestRuns = 3;
    std::vector<std::vector<double>> times(works.size());
    for (const auto& work : works) work();
    const auto begin = Clock::now();
    auto start = begin;
    for (size_t runs = 0; runs < kFewestRuns || std::chrono::duration<double>(start - begin).count() < seconds;
         ++runs) {
        for (size_t i = 0; i < works.size(); ++i) {
            works[i]();
            const auto end = Clock::now();
            times[i].push_back(std::chrono::duration<double>(end - start).count());
            start = end;
        }
    }
    std::vector<Timing> timings;
    for (auto& of_one : times) {
        std::sort(of_one.begin(), of_one.end());
        timings.push_back({of_one.front(), of_one[of_one.size() / 2], static_cast<int>(of_one.size())});
    }
    return timings;
}

template <typename Work>
Timing time_repeatedly(double seconds, const Work& work) {
    return time_in_turn(seconds, {work}).front();
}

}  // namespace adaq
