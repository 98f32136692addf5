// A Program made ready for the CPU: its operations, and the workspaces of the lanes that run them as the plan says.
#pragma once

#include <vector>

#include "kernels/cpu/compiled_operation.h"
#include "kernels/cpu/lanes.h"
#include "kernels/cpu/plan.h"

namespace adaq::cpu {

class CpuProgram : public CompiledProgram {
  public:
    CpuProgram(Program program, std::shared_ptr<Lanes> lanes, Math math);
    void run(int64_t n) override;
    /// At the beginning and between groups of images, by the first lane, which is the caller's thread.
    void run_polled(const Poll& poll) override { run_once(poll, {}); }
    bool run_timed(std::span<double> seconds) override {
        run_once({}, seconds);
        return true;
    }
    ProgramMemory memory() const override;

  private:
    void keep_sums_in_place();
    View make_view(int lane) const;
    void compile_operations(Math math);
    void give_scratch();
    /// seconds: by operation, to be added to; empty: nobody wants to know.
    void run_once(const Poll& poll, std::span<double> seconds);
    void run_phases(View& view, size_t phases, int64_t group, int64_t first, int64_t last, std::span<double> seconds);

    Program program_;
    std::shared_ptr<Lanes> lanes_;
    Plan plan_;
    std::vector<std::vector<AlignedFloats>> workspaces_;  // by lane and slot
    std::vector<AlignedFloats> scratch_;                  // by lane
    std::vector<View> views_;                             // by lane
    std::vector<std::unique_ptr<CompiledOperation>> operations_;
    bool has_run_ = false;  // the first time each lane works, so that later runs take no memory
};

}  // namespace adaq::cpu
