// A kernel that fails as kernels do on a card: its launch succeeds, and whoever waits for the stream later is told.
#pragma once

#include <cstdint>

#include "kernels/emulator/runtime.h"

namespace adaq::emulator {

/// While it lives, `launches` kernels run as they are; the next one and all behind it do nothing, and waits, copies and
/// graph launches from then on return cudaErrorIllegalAddress. One at a time.
class FailingLaunch {
  public:
    explicit FailingLaunch(int64_t launches);
    ~FailingLaunch();
    FailingLaunch(const FailingLaunch&) = delete;
    FailingLaunch& operator=(const FailingLaunch&) = delete;
};

/// Called for each kernel that is to run: whether it fails.
bool launch_fails();
/// What a wait returns.
cudaError_t pending_error();

}  // namespace adaq::emulator
