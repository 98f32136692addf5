// Repeated runs of one piece of work: the best tells what the code can do, the median what the machine gave it.
//
// A loop of our own rather than Google Benchmark: the results go into tables with columns that it does not have (share
// of the measured peak, images per second, a count of equal layers), and its adaptive iteration counts hide the best
// run, which on a machine that does other things too is the number that repeats.
#pragma once

#include <algorithm>
#include <chrono>
#include <functional>
#include <string>
#include <thread>
#include <vector>

namespace adaq {

/// How long a benchmark measures, with what, and where its rows go beside the table.
struct Measuring {
    double seconds;         // a row
    int threads = 0;        // 0: all cores
    std::string json = {};  // file; empty: none
    std::string rows = {};  // file that gets each row as soon as it is measured; empty: none
};

struct Timing {
    double best = 0.0, median = 0.0;  // seconds a run
    double most = 0.0;                // that 99 % of runs take
    int runs = 0;
};

inline Timing timing_of(std::vector<double> times) {
    std::sort(times.begin(), times.end());
    const size_t last = times.size() - 1;
    return {times.front(), times[times.size() / 2], times[last - last / 100], static_cast<int>(times.size())};
}

/// Runs the works in turn for about `seconds` together, so that what else the machine does slows them alike. A turn is
/// a pause in which threads of the work before stop spinning, an unmeasured run, and a few measured ones; each work
/// gets three turns at least.
inline std::vector<Timing> time_in_turn(double seconds, const std::vector<std::function<void()>>& works) {
    using Clock = std::chrono::steady_clock;
    constexpr int kFewestTurns = 3, kRunsOfATurn = 4;
    constexpr std::chrono::milliseconds kPause{10};
    const auto since = [](Clock::time_point start) {
        return std::chrono::duration<double>(Clock::now() - start).count();
    };
    std::vector<std::vector<double>> times(works.size());
    const auto begin = Clock::now();
    for (int turn = 0; turn < kFewestTurns || since(begin) < seconds; ++turn) {
        for (size_t i = 0; i < works.size(); ++i) {
            if (works.size() > 1) std::this_thread::sleep_for(kPause);
            works[i]();
            for (int run = 0; run < kRunsOfATurn; ++run) {
                const auto start = Clock::now();
                works[i]();
                times[i].push_back(since(start));
            }
        }
    }
    std::vector<Timing> timings;
    for (const auto& of_one : times) timings.push_back(timing_of(of_one));
    return timings;
}

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
    return timing_of(times);
}

}  // namespace adaq
