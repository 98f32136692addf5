#include "adaq/settings/memory_size.h"

#include <charconv>
#include <string_view>

#include "engine/error.h"

namespace adaq {
namespace {

constexpr double kMostBytes = 1e18;

/// What one of a unit stands for; negative for an unknown unit.
double factor_of(std::string_view unit, int64_t free_bytes) {
    if (unit.empty() || unit == "B") return 1.0;
    if (unit == "%") return static_cast<double>(free_bytes) / 100.0;
    if (unit.size() > 1 && unit.substr(1) != "B" && unit.substr(1) != "i" && unit.substr(1) != "iB") return -1.0;
    switch (unit.front()) {
        case 'K':
        case 'k':
            return 1024.0;
        case 'M':
        case 'm':
            return 1024.0 * 1024.0;
        case 'G':
        case 'g':
            return 1024.0 * 1024.0 * 1024.0;
        default:
            return -1.0;
    }
}

}  // namespace

int64_t memory_size(const std::string& text, int64_t free_bytes) {
    double number = 0.0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    const double factor = factor_of({end, text.data() + text.size()}, free_bytes);
    const bool share = text.ends_with('%');
    if (error != std::errc() || factor < 0.0 || !(number >= 0.0) || (share && number > 100.0) ||
        number * factor > kMostBytes)
        usage_error("`memory` {}: expected bytes, such as 6G or 500M, or a share of what is free, such as 70%", text);
    return static_cast<int64_t>(number * factor);
}

}  // namespace adaq
