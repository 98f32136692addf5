// How many threads OpenMP takes, for a while.
#pragma once

#include <omp.h>

namespace adaq::cpu {

/// The number of threads of OpenMP regions that this thread starts meanwhile: neither more nor fewer. oneDNN asks for
/// it when it makes a primitive and when it runs one, and both must be the same. What the program had set comes back.
class ThreadCount {
  public:
    explicit ThreadCount(int threads) : before_(omp_get_max_threads()), dynamic_(omp_get_dynamic()) {
        omp_set_dynamic(0);
        omp_set_num_threads(threads);
    }
    ~ThreadCount() {
        omp_set_num_threads(before_);
        omp_set_dynamic(dynamic_);
    }
    ThreadCount(const ThreadCount&) = delete;
    ThreadCount& operator=(const ThreadCount&) = delete;

  private:
    int before_, dynamic_;
};

}  // namespace adaq::cpu
