// How many threads OpenMP takes, for a while.
#pragma once

#include <omp.h>

namespace adaq::cpu {

/// The number of threads of OpenMP regions that this thread starts meanwhile. oneDNN asks for it when it makes a
/// primitive and when it runs one, and both must be the same.
class ThreadCount {
  public:
    explicit ThreadCount(int threads) : before_(omp_get_max_threads()) { omp_set_num_threads(threads); }
    ~ThreadCount() { omp_set_num_threads(before_); }
    ThreadCount(const ThreadCount&) = delete;
    ThreadCount& operator=(const ThreadCount&) = delete;

  private:
    int before_;
};

}  // namespace adaq::cpu
