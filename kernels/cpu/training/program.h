// A Program of training on the CPU: operations in order over the whole batch, all threads inside each. Sums run over
// fixed pieces in a fixed order, so that they do not depend on scheduling.
#pragma once

#include <memory>
#include <vector>

#include "engine/program/arena.h"
#include "kernels/cpu/compiled_operation.h"
#include "kernels/cpu/constants.h"

namespace adaq::cpu {

class TrainingProgram : public CompiledProgram {
  public:
    TrainingProgram(Program program, int threads, Math math);
    void run(int64_t n) override;

  private:
    Indexed<View::Place> places(const Constants& constants);
    float* memory_of(TensorId id);

    Program program_;
    int threads_;
    Arena arena_;
    AlignedFloats temporaries_;
    AlignedFloats scratch_;
    std::vector<CpuTensor*> changing_;  // bound tensors that the program may write
    uint64_t runs_ = 0;                 // the version of what the program itself writes
    std::unique_ptr<View> view_;
    std::vector<std::unique_ptr<CompiledOperation>> operations_;
};

}  // namespace adaq::cpu
