// Included by tools/lint.sh before every file that clang-tidy 14 reads, and by nothing else: that compiler lacks the
// built-in function behind g++ 12's <source_location>.
#pragma once
#if defined(__clang__) && __clang_major__ < 15
#include <cstdint>

namespace std {
struct source_location {
    static constexpr source_location current(const char* file = __builtin_FILE(),
                                             const char* function = __builtin_FUNCTION(),
                                             uint_least32_t line = __builtin_LINE()) noexcept {
        return {file, function, line};
    }
    constexpr const char* file_name() const noexcept { return file; }
    constexpr const char* function_name() const noexcept { return function; }
    constexpr uint_least32_t line() const noexcept { return at; }
    constexpr uint_least32_t column() const noexcept { return 0; }

    const char* file = "";
    const char* function = "";
    uint_least32_t at = 0;
};
}  // namespace std
#endif
