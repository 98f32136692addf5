// A compiled iteration replayed many times, in pieces of a fraction of a second, whatever an iteration takes: a
// device's queue stays short, and whoever wants to stop is heard.
#pragma once

#include <algorithm>
#include <chrono>
#include <functional>

#include "engine/program/device.h"

namespace adaq {

class Replay {
  public:
    /// wait: returns once the device has done all that it was given. poll: called between pieces; may throw to stop.
    void run(CompiledProgram& program, int64_t iterations, const std::function<void()>& wait, const Poll& poll) {
        constexpr double kShortest = 0.05, kLongest = 0.2;  // seconds
        while (iterations > 0) {
            const int64_t n = std::min(piece_, iterations);
            const auto start = std::chrono::steady_clock::now();
            program.run(n);
            wait();
            iterations -= n;
            const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
            if (seconds < kShortest && n == piece_) piece_ *= 2;
            if (seconds > kLongest) piece_ = std::max<int64_t>(piece_ / 2, 1);
            if (poll) poll();
        }
    }

  private:
    int64_t piece_ = 1;  // iterations between two polls
};

}  // namespace adaq
