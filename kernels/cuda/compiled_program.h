// A program compiled for a card: all its kernels captured once into a CUDA graph, which run() replays without the host.
#pragma once

#include "engine/program/arena.h"
#include "engine/program/pieces.h"
#include "kernels/cuda/compiled_operation.h"
#include "kernels/cuda/memory.h"
#include "kernels/cuda/profile_mark.h"

namespace adaq::cuda {

/// What a device compiles all its programs with.
struct ProgramSettings {
    Card card;
    Math math = Math::f32;
    std::optional<Choice> choice = std::nullopt;
    bool wgmma = false;
    DeviceLimits limits = kLimits;
    bool wait_for_each = false;  // no graph: operations one by one, each waited for, so that an error names its own
};

class CudaProgram : public CompiledProgram {
  public:
    /// Throws DataError where an operation has a tensor of too many elements, or CUDA refuses something.
    CudaProgram(Program program, std::shared_ptr<Queue> queue, const ProgramSettings& settings);
    ~CudaProgram() override;
    /// Returns at once: whoever reads a result waits for it (Queue::to_host). Where each operation is waited for,
    /// throws DataError that names the one that failed.
    void run(int64_t n) override;

  private:
    void place_tensors();
    std::vector<CompiledOperation> compile_operations(const ProgramSettings& settings) const;
    void give_scratch(const std::vector<CompiledOperation>& operations);
    void enqueue(const std::vector<CompiledOperation>& operations, size_t index) const;
    void capture(const std::vector<CompiledOperation>& operations);
    void run_one_by_one() const;

    Program program_;  // owns what is bound
    std::shared_ptr<Queue> queue_;
    std::vector<DeviceMemory> memory_;           // temporaries and scratch
    Indexed<float*> places_;                     // by tensor of program_
    std::vector<void*> scratch_;                 // by operation
    std::vector<CompiledOperation> operations_;  // of a program without a graph
    cudaGraphExec_t graph_ = nullptr;
    ProfileMark mark_;
};

}  // namespace adaq::cuda
