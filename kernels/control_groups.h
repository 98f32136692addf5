// Linux's control groups as far as memory goes: containers, batch systems and systemd limit processes by them.
#pragma once

#include <cstdint>
#include <limits>
#include <string>

namespace adaq {

inline constexpr int64_t kUnlimitedMemory = std::numeric_limits<int64_t>::max();

/// Bytes that this process may still take by the limits of its group and of all above it that can be seen, version 1
/// and version 2; kUnlimitedMemory where there are none. File cache that the system would give up counts as free.
/// root: the folder in whose proc/ and sys/ to look.
int64_t memory_left_by_groups(const std::string& root = "/");

}  // namespace adaq
