// Throwing adaq's errors with formatted sentences: the file or option, what was found, what was expected. The programs
// print them as one line; a UsageError exits with 2, a DataError with 1.
#pragma once

#include <fmt/core.h>

#include <stdexcept>
#include <utility>

#include "adaq/error.h"

namespace adaq {

/// Throws DataError with a formatted sentence: data_error("{}: {} bytes, expected {}", file, found, expected).
template <typename... Args>
[[noreturn]] void data_error(fmt::format_string<Args...> format, Args&&... args) {
    throw DataError(fmt::format(format, std::forward<Args>(args)...));
}

template <typename... Args>
[[noreturn]] void usage_error(fmt::format_string<Args...> format, Args&&... args) {
    throw UsageError(fmt::format(format, std::forward<Args>(args)...));
}

/// What `work` returns. Where it finds something invalid and does not say of which option, it is of this one.
template <typename Work>
decltype(auto) about(const char* field, Work work) {
    try {
        return work();
    } catch (Error& error) {
        if (error.code() == ErrorCode::invalid_option || error.code() == ErrorCode::invalid_data)
            error.set_field(field);
        throw;
    }
}

/// For our own mistakes (a shape that the engine itself got wrong): std::logic_error, never something a user can cause.
template <typename... Args>
void require(bool condition, fmt::format_string<Args...> format, Args&&... args) {
    if (!condition) throw std::logic_error(fmt::format(format, std::forward<Args>(args)...));
}

}  // namespace adaq
