// Run-time dispatch for loops that the compiler vectorises: one clone an instruction set, chosen when the program
// starts. All clones do the same IEEE operations in the same order (the build allows no contraction), so they give the
// same bits.
#pragma once

#if defined(__x86_64__) && !defined(__SANITIZE_ADDRESS__)
#define ADAQ_VECTORISE __attribute__((target_clones("default", "avx2", "arch=skylake-avx512")))
#else
#define ADAQ_VECTORISE
#endif
