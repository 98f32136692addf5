// A program compiled for a card: all its kernels captured once into a CUDA graph, which run() replays without the host.
#pragma once

#include "kernels/arena.h"
#include "kernels/cuda/profile_mark.h"
#include "kernels/cuda/step.h"
#include "kernels/cuda/tensor.h"

namespace adaq::cuda {

class CudaProgram : public CompiledProgram {
  public:
    CudaProgram(const Program& program, std::shared_ptr<Queue> queue, Card card, Math math,
                std::optional<Choice> choice, bool wgmma);
    ~CudaProgram() override;
    /// Returns at once: whoever reads a result waits for it (Queue::to_host).
    void run(int64_t n) override;

  private:
    void place_tensors();
    void capture(const std::vector<Step>& steps);

    Program program_;  // owns what is bound
    std::shared_ptr<Queue> queue_;
    std::vector<DeviceMemory> memory_;  // temporaries and scratch
    std::vector<float*> places_;
    cudaGraphExec_t graph_ = nullptr;
    ProfileMark mark_;
};

}  // namespace adaq::cuda
