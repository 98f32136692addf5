// Whether the tests run under AddressSanitizer, whose bookkeeping takes time, memory and address space.
#pragma once

namespace adaq::test {

#if defined(__SANITIZE_ADDRESS__)
inline constexpr bool kAddressSanitizer = true;
#else
inline constexpr bool kAddressSanitizer = false;
#endif

/// So many times as long may what is timed take with instrumented code.
inline constexpr int kSlowness = kAddressSanitizer ? 5 : 1;

}  // namespace adaq::test
