// What the emulator finds wrong with a kernel.
#pragma once

#include <fmt/core.h>

#include <stdexcept>
#include <string>

namespace adaq::emulator {

/// A kernel, or the host code around it, did what CUDA does not allow or what has no defined result. The message names
/// kernel, block, thread and the seed that repeats it.
struct Misuse : std::logic_error {
    using std::logic_error::logic_error;
};

/// Ends the launch that runs, or throws where none does. A kernel's thread that comes here is never resumed: the hooks
/// are called from code that the compiler believes not to throw.
[[noreturn]] void fail(std::string what);

template <typename... Args>
[[noreturn]] void fail(fmt::format_string<Args...> format, Args&&... args) {
    fail(fmt::format(format, std::forward<Args>(args)...));
}

}  // namespace adaq::emulator
