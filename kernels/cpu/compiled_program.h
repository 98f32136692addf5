// A Program made ready for the CPU: it goes through the batch in chunks of images small enough that what one operation
// writes is still in the cache when the next one reads it.
#pragma once

#include <vector>

#include "kernels/cpu/step.h"

namespace adaq::cpu {

class CpuProgram : public CompiledProgram {
  public:
    explicit CpuProgram(const Program& program);
    void run(int64_t n) override;

  private:
    void choose_chunk();
    void place_tensors();

    Program program_;
    int64_t batch_ = 0, chunk_ = 0;
    std::vector<bool> activation_;          // by tensor: has the batch as its first extent
    std::vector<AlignedFloats> workspace_;  // shared by temporaries that do not live at the same time
    std::unique_ptr<View> view_;
    std::vector<std::unique_ptr<Step>> steps_;
};

}  // namespace adaq::cpu
