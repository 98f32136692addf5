// Repeated runs of one piece of work: the best tells what the code can do, the median what the machine gave it.
//
// A loop of our own rather than Google Benchmark: the results go into tables with columns that it does not have (share
// of the measured peak, images per second, a count of equal layers), and its adaptive iteration counts hide the best
// run, which on a machine that does other things too is the number that repeats.
#pragma once

#include <algorithm>
#include <chrono>
#include <vector>

namespace adaq {

struct Timing {
    double best = 0.0, median = 0.0;  // seconds a run
    int runs = 0;
};

/// Runs the work once unmeasured, then for about `seconds`, at least kFewestRuns times.
template <typename Work>
Timing time_repeatedly(double seconds, const Work& work) {
    using Clock = std::chrono::steady_clock;
    constexpr size_t kFewestRuns = 3;
    work();
    std::vector<double> times;
    const auto begin = Clock::now();
    for (auto start = begin;
         times.size() < kFewestRuns || std::chrono::duration<double>(start - begin).count() < seconds;) {
        work();
        const auto end = Clock::now();
        times.push_back(std::chrono::duration<double>(end - start).count());
        start = end;
    }
    std::sort(times.begin(), times.end());
    return {times.front(), times[times.size() / 2], static_cast<int>(times.size())};
}

}  // namespace adaq
