// --memory: an amount of memory as people write it.
#pragma once

#include <cstdint>
#include <string>

namespace adaq {

/// Bytes of "6G", "500M", "64K", "1000000" (K, M, G: powers of 1024; an i or B behind them is fine), or of "70%" of
/// what is free. Throws UsageError for anything else.
int64_t memory_size(const std::string& text, int64_t free_bytes);

}  // namespace adaq
