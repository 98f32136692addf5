// Every access of a kernel to memory passes here: from the compiler's hooks (hooks.cpp), from atomics and from the
// twins of PTX instructions.
#pragma once

#include <cstddef>
#include <cstdint>

namespace adaq::emulator {

/// Whether kernels are compiled with the hooks: then all their accesses are recorded. Under AddressSanitizer, which has
/// hooks of its own, only bounds are checked.
#if defined(__SANITIZE_ADDRESS__)
inline constexpr bool kRecorded = false;
#else
inline constexpr bool kRecorded = true;
#endif

enum class Access { read, write, atomic };

/// Checks bounds, that what is read was written, and that no other thread's access to the same bytes is unordered with
/// this one. Does nothing outside kernels.
void check_access(const void* address, size_t bytes, Access access);

/// A copy in the background to shared memory: nobody may touch its destination until it has arrived.
void start_copy(const void* to, size_t bytes);
void finish_copy(const void* to, size_t bytes);
/// fence.proxy.async behind its arrival, without which products in the background may not read it: require_fenced().
void fence_copy(const void* to, size_t bytes);
void require_fenced(const void* from, size_t bytes, const char* instruction);

void require_shared(const void* address, const char* instruction);

/// __threadfence: an atomic of this thread that follows publishes what its block did before.
void record_fence();

}  // namespace adaq::emulator
