// What a .cu file sees of CUDA when it is compiled as C++ for the tests: kernels/cuda/platform.h includes this in place
// of the CUDA runtime. The emulator runs a grid's blocks one after the other, and a block's threads as fibers of one OS
// thread that change places only where they meet (threads.h), in orders shuffled by ADAQ_EMULATOR_SEED.
#pragma once

#include "kernels/emulator/arithmetic.h"
#include "kernels/emulator/atomics.h"
#include "kernels/emulator/launch.h"
#include "kernels/emulator/runtime.h"
#include "kernels/emulator/shared_memory.h"
#include "kernels/emulator/threads.h"
#include "kernels/emulator/types.h"
