// Whether the tests run under AddressSanitizer, whose bookkeeping takes time, memory and address space.
#pragma once

namespace adaq::test {

#if defined(__SANITIZE_ADDRESS__)
inline constexpr bool kAddressSanitizer = true;
#else
inline constexpr bool kAddressSanitizer = false;
#endif

}  // namespace adaq::test
