// Run-time dispatch for loops that the compiler vectorises: one clone an instruction set, chosen when the program
// starts. AVX-512 by its level and not by a processor's name: GCC takes "arch=x86-64-v4" for Intel's alone, and
// holds it to 256 bits. All clones do the same IEEE operations in the same order (the build allows no contraction), so
// they give the same bits.
#pragma once

#if defined(__x86_64__) && !defined(__SANITIZE_ADDRESS__)
#define ADAQ_VECTORISE __attribute__((target_clones("default", "avx2", "arch=x86-64-v4")))
#else
#define ADAQ_VECTORISE
#endif
