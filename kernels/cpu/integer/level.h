// Which instructions the integer kernels run. Results are the same on all; only the speed is not. oneDNN's environment
// variable ONEDNN_MAX_CPU_ISA holds these kernels to what it names, too.
#pragma once

#include <string_view>
#include <vector>

#include "kernels/cpu/integer/kernels.h"

namespace adaq::cpu::integer {

enum class Level : uint8_t { baseline, avx2, avx_vnni, avx512, avx512_vnni, amx };

/// Whether the processor has them and the system lets this process use them (AMX asks for it).
bool runs(Level level);

/// The best that runs and that ONEDNN_MAX_CPU_ISA allows. Found once.
Level best_level();

/// Those that run, the baseline first.
std::vector<Level> levels();

/// "baseline", "avx2", "avx-vnni", "avx512", "avx512-vnni", "amx". Throws UsageError for any other name.
Level level_named(std::string_view name);

/// Throws std::logic_error where the level does not run.
const Instructions& instructions(Level level);

}  // namespace adaq::cpu::integer
