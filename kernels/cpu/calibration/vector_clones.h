// Functions marked ADAQ_VECTOR_CLONES are compiled once for each of these instruction sets and the loader picks the
// best one that the processor has (GCC's function multi-versioning), so that a portable build still runs wide vectors.
// The arithmetic is the same in each: no contraction (-ffp-contract=off), no reassociation.
#pragma once

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
#define ADAQ_VECTOR_CLONES __attribute__((target_clones("default", "sse4.1", "avx2", "avx512f")))
#else
#define ADAQ_VECTOR_CLONES
#endif
