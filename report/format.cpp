// See format.h.
#include "report/format.h"

#include <fmt/format.h>

#include <cmath>
#include <cstdlib>

namespace adaq::report {
namespace {

constexpr std::string_view kMinus = "\u2212";

std::string with_minus(std::string number) {
    if (number.empty() || number[0] != '-') return number;
    // "-0.00" is what rounding leaves of a tiny negative number; its sign says nothing.
    const std::string digits = number.substr(1);
    if (digits.find_first_not_of("0.") == std::string::npos) return digits;
    return std::string(kMinus) + digits;
}

bool is_continuation(char c) { return (static_cast<unsigned char>(c) & 0xC0) == 0x80; }

bool is_control(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; }

}  // namespace

std::string fixed(double value, int decimals) {
    if (std::isnan(value)) return "–";
    if (std::isinf(value)) return value > 0 ? "∞" : std::string(kMinus) + "∞";
    return with_minus(fmt::format("{:.{}f}", value, decimals));
}

std::string significant(double value, int digits) {
    if (!std::isfinite(value)) return fixed(value, 0);
    if (value == 0.0) return "0";
    const double size = std::abs(value);
    // Whole numbers stay whole up to a million; %g would write 1234 to three digits as 1.23e+03.
    if (size >= std::pow(10.0, digits - 1) && size < 1e6) return fixed(value, 0);
    return with_minus(fmt::format("{:#.{}g}", value, digits));
}

std::string percent(double share) {
    if (share > 0.0 && share < 0.00005) return "< 0.01 %";
    return fixed(100.0 * share, 2) + " %";
}

std::string megabytes(int64_t bytes) {
    const double mega = static_cast<double>(bytes) / 1e6;
    if (mega < 0.1) return fixed(mega * 1e3, 1) + " kB";
    return fixed(mega, 2) + " MB";
}

std::string duration(double seconds) {
    if (seconds < 9.995) return fixed(seconds, 2) + " s";
    if (seconds < 59.95) return fixed(seconds, 1) + " s";
    const int64_t whole = std::llround(seconds);
    if (whole < 3600) return fmt::format("{} min {:02} s", whole / 60, whole % 60);
    return fmt::format("{} h {:02} min", whole / 3600, whole % 3600 / 60);
}

int width(std::string_view text) {
    int columns = 0;
    for (char c : text) columns += is_continuation(c) ? 0 : 1;
    return columns;
}

std::string shortened(std::string_view text, int columns) {
    if (width(text) <= columns) return std::string(text);
    size_t end = 0;
    for (int kept = 0; end < text.size(); ++end)
        if (!is_continuation(text[end]) && ++kept == columns) break;
    return std::string(text.substr(0, end)) + "…";
}

std::string escaped(std::string_view text) {
    std::string safe;
    safe.reserve(text.size());
    for (char c : text) {
        if (c == '&')
            safe += "&amp;";
        else if (c == '<')
            safe += "&lt;";
        else if (c == '>')
            safe += "&gt;";
        else if (c == '"')
            safe += "&quot;";
        else if (c == '\'')
            safe += "&#39;";
        else if (is_control(c) && c != '\n')
            safe += "\uFFFD";
        else
            safe += c;
    }
    return safe;
}

}  // namespace adaq::report
