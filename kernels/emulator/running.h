// The kernel's thread that runs at this moment.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/emulator/shadow.h"

namespace adaq::emulator {

struct Running {
    bool kernel = false;   // false: host code runs
    bool failing = false;  // the launch is over: words for its mistake are found, by code that may be instrumented
    uintptr_t stack = 0;   // the thread's own
    size_t stack_bytes = 0;
    Stamp me;                   // now, by this thread
    uint32_t launch_epoch = 0;  // the first of the launch
    uint32_t block_epoch = 0;   // the first of the block
    uint32_t fenced_epoch = 0;  // of the thread's last __threadfence; 0: none
    uintptr_t parameters = 0;   // the kernel's
    size_t parameter_bytes = 0;
};

/// One for each OS thread: other ones may run host code of the same program meanwhile.
extern constinit thread_local Running running;

}  // namespace adaq::emulator
