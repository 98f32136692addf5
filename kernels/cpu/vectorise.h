// Run-time dispatch for loops that the compiler vectorises: one clone an instruction set, chosen when the program
// starts; by its level (v3 has AVX2, v4 AVX-512) and not by a processor's name, for GCC takes a name for that maker's
// processors alone, and holds Intel's to 256 bits. All clones do the same IEEE operations in the same order (the build
// allows no contraction, but for training/rounding_arithmetic.cpp), so they give the same bits. instruction_set.cpp
// tells which clones run, from a list of the same levels.
//
// ADAQ_WIDE_VECTORS is the same for the compute-bound loops of range searches (calibration/), with a clone for SSE4.1.
#pragma once

#if defined(__x86_64__) && !defined(__SANITIZE_ADDRESS__)
#define ADAQ_HAS_CLONES
#define ADAQ_VECTORISE __attribute__((target_clones("default", "arch=x86-64-v3", "arch=x86-64-v4")))
#define ADAQ_WIDE_VECTORS __attribute__((target_clones("default", "sse4.1", "avx2", "avx512f")))
#else
#define ADAQ_VECTORISE
#define ADAQ_WIDE_VECTORS
#endif
