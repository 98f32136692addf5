// What the files of instruction sets define, each compiled with flags of its own. A processor must have the set before
// what these return is called (level.h).
#pragma once

#include "kernels/cpu/integer/kernels.h"

namespace adaq::cpu::integer {

const Instructions& baseline_instructions();
#if defined(__x86_64__)
const Instructions& avx2_instructions();
const Instructions& avx_vnni_instructions();
const Instructions& avx512_instructions();
const Instructions& avx512_vnni_instructions();
const Instructions& amx_instructions();
#endif

}  // namespace adaq::cpu::integer
