// Every set of instructions that a test runs: those of this processor, and the scalar twins of all of them.
#pragma once

#include <vector>

#include "kernels/cpu/integer/level.h"

namespace adaq::test {

/// Of AVX-512 VNNI, AVX-512, AVX-VNNI, AVX2, the baseline and AMX.
std::vector<const cpu::integer::Instructions*> twins();

inline std::vector<const cpu::integer::Instructions*> every_set() {
    std::vector<const cpu::integer::Instructions*> all = twins();
    for (const cpu::integer::Level level : cpu::integer::levels()) all.push_back(&cpu::integer::instructions(level));
    return all;
}

}  // namespace adaq::test
