// Which iteration a profiler sees that was started with its collection off (ncu --profile-from-start off): the second
// of each program that learns, when what happens once is over. With ADAQ_CUDA_PROFILE=1 in the environment.
#pragma once

#include <functional>

#include "engine/program/device.h"
#include "kernels/cuda/memory.h"

namespace adaq::cuda {

class ProfileMark {
  public:
    /// Marks nothing without the variable, or where the program has no step of learning.
    explicit ProfileMark(const Program& program);
    /// Calls `iteration`; the one that is marked between a start and a stop of collection, nothing else under way.
    void run(const Queue& queue, const std::function<void()>& iteration);

  private:
    bool marks_;
    int64_t iterations_ = 0;
};

}  // namespace adaq::cuda
