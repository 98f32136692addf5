// A Program made ready for the CPU: its steps, and the workspaces of the lanes that run them as the plan says.
#pragma once

#include <vector>

#include "kernels/cpu/lanes.h"
#include "kernels/cpu/plan.h"
#include "kernels/cpu/step.h"

namespace adaq::cpu {

class CpuProgram : public CompiledProgram {
  public:
    CpuProgram(Program program, std::shared_ptr<Lanes> lanes, Math math);
    void run(int64_t n) override;
    /// Between groups of images, by the first lane, which is the caller's thread.
    void run_polled(const Poll& poll) override;

  private:
    void keep_sums_in_place();
    View make_view(int lane) const;
    void make_steps(Math math);
    void give_scratch();
    void run_group(View& view, int64_t group);
    void run_phases(View& view, size_t phases, int64_t group, int64_t first, int64_t last);

    Program program_;
    std::shared_ptr<Lanes> lanes_;
    Plan plan_;
    std::vector<std::vector<AlignedFloats>> workspaces_;  // by lane and slot
    std::vector<AlignedFloats> scratch_;                  // by lane
    std::vector<View> views_;                             // by lane
    std::vector<std::unique_ptr<Step>> steps_;
};

}  // namespace adaq::cpu
