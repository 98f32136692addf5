// The card as a machine to be benchmarked: its memory's speed measured by copying, its arithmetic by cuBLAS, cuDNN
// beside its convolutions. Both libraries are opened at run time and said to be missing where they are.
#pragma once

#include "tools/bench/machine.h"

namespace adaq::cuda {

Machine make_machine(Math math, bool wgmma);

}  // namespace adaq::cuda
