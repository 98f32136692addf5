#include "kernels/emulator/faults.h"

namespace adaq::emulator {
namespace {

constexpr int64_t kNever = -1;
int64_t launches_left = kNever;
bool failed = false;

}  // namespace

FailingLaunch::FailingLaunch(int64_t launches) { launches_left = launches; }

FailingLaunch::~FailingLaunch() {
    launches_left = kNever;
    failed = false;
}

bool launch_fails() {
    if (launches_left == kNever) return false;
    if (launches_left > 0) {
        --launches_left;
        return false;
    }
    return failed = true;
}

cudaError_t pending_error() { return failed ? cudaErrorIllegalAddress : cudaSuccess; }

}  // namespace adaq::emulator
