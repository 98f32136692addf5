#include "kernels/cuda/profile_mark.h"

#include <algorithm>
#include <cstdlib>
#include <string>

#if defined(ADAQ_EMULATE)
#include "kernels/emulator/profiler.h"
#else
#include <cuda_profiler_api.h>
#endif

namespace adaq::cuda {
namespace {

constexpr int64_t kMarked = 1;  // counted from 0

bool wanted() {
    const char* value = std::getenv("ADAQ_CUDA_PROFILE");
    return value && *value && std::string(value) != "0";
}

bool learns(const Program& program) {
    const auto& operations = program.operations();
    return std::any_of(operations.begin(), operations.end(), [](const Operation& operation) {
        return std::holds_alternative<RoundingStep>(operation) || std::holds_alternative<AdamStep>(operation);
    });
}

}  // namespace

ProfileMark::ProfileMark(const Program& program) : marks_(wanted() && learns(program)) {}

void ProfileMark::run(const Queue& queue, const std::function<void()>& iteration) {
    if (!marks_ || iterations_++ != kMarked) {
        iteration();
        return;
    }
    queue.wait();
    check_cuda(cudaProfilerStart());
    iteration();
    queue.wait();
    check_cuda(cudaProfilerStop());
}

}  // namespace adaq::cuda
