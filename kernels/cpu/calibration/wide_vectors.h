// Run-time dispatch for the loops of range searches, as ADAQ_VECTORISE (kernels/cpu/vectorise.h) but with 512-bit
// vectors where there are any: named by feature, not by processor, since GCC holds "skylake-avx512" to 256 bits, which
// takes these compute-bound loops twice the time. Every clone gives the same bits (no contraction, no reassociation).
#pragma once

#if defined(__x86_64__) && !defined(__SANITIZE_ADDRESS__)
#define ADAQ_WIDE_VECTORS __attribute__((target_clones("default", "sse4.1", "avx2", "avx512f")))
#else
#define ADAQ_WIDE_VECTORS
#endif
