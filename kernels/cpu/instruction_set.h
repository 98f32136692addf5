// Which instructions the CPU device's loops run: adaq's own clones (vectorise.h), oneDNN's kernels and the C library's
// mathematics are each chosen when the program starts, by the processor and by the environment (ONEDNN_MAX_CPU_ISA,
// GLIBC_TUNABLES, ...). Results have the same bits only where all three are the same.
#pragma once

#include <string>
#include <string_view>

namespace adaq::cpu {

/// Of the loops that ADAQ_VECTORISE clones: "AVX-512", "AVX2" or "baseline".
std::string_view own_instruction_set();

/// The most that oneDNN uses, under its own name, and what else moves its results: "AVX512_CORE_BF16",
/// "AVX2, prefers YMM", "AVX512_CORE, products in bf16".
std::string onednn_instruction_set();

/// Whether exp, log, pow and cos are those with fused multiply-adds, which give other last bits.
bool c_library_fuses();

/// Whether oneDNN multiplies bf16 by instructions for it: the processor has them, and nothing keeps oneDNN from them.
bool multiplies_bf16();
/// Whether it does so by tiles (AMX).
bool multiplies_tiles();

}  // namespace adaq::cpu
