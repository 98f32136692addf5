// See printable.h.
#include "engine/printable.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>

namespace adaq {
namespace {

struct Character {
    char32_t code = 0;
    size_t length = 0;  // bytes; 0: the first byte begins no character
};

/// The character that `text` begins with (RFC 3629: no surrogates, nothing longer than it needs to be).
Character first_character(std::string_view text) {
    const auto byte = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
    const unsigned char lead = byte(0);
    if (lead < 0x80) return {lead, 1};
    const size_t length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
    if (lead < 0xc2 || lead > 0xf4 || text.size() < length) return {};
    char32_t code = lead & (0xff >> (length + 1));
    for (size_t i = 1; i < length; ++i) {
        if ((byte(i) & 0xc0) != 0x80) return {};
        code = code << 6 | (byte(i) & 0x3f);
    }
    constexpr char32_t kLowest[] = {0, 0, 0x80, 0x800, 0x10000};
    if (code < kLowest[length] || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff)) return {};
    return {code, length};
}

/// Line and paragraph separators, and what turns the direction of writing.
bool acts_on_a_line(char32_t code) {
    return (code >= 0x200e && code <= 0x200f) || (code >= 0x2028 && code <= 0x202e) ||
           (code >= 0x2066 && code <= 0x2069) || code == 0xfeff;
}

std::string escape(char32_t code) {
    switch (code) {
        case '\n':
            return "\\n";
        case '\r':
            return "\\r";
        case '\t':
            return "\\t";
        default:
            return code < 0x100 ? fmt::format("\\x{:02x}", static_cast<uint32_t>(code))
                                : fmt::format("\\u{:04x}", static_cast<uint32_t>(code));
    }
}

/// The first character of `text`, on a line; takes it off.
std::string take_character(std::string_view& text) {
    const Character next = first_character(text);
    const bool control = next.code < 0x20 || (next.code >= 0x7f && next.code < 0xa0);
    std::string shown;
    if (next.length == 0)
        shown = escape(static_cast<unsigned char>(text[0]));
    else if (control || acts_on_a_line(next.code))
        shown = escape(next.code);
    else
        shown = text.substr(0, next.length);
    text.remove_prefix(std::max<size_t>(next.length, 1));
    return shown;
}

}  // namespace

std::string one_line(std::string_view text) {
    std::string line;
    while (!text.empty()) line += take_character(text);
    return line;
}

std::string printable(std::string_view name) {
    constexpr size_t kLongest = 100;
    std::string line;
    while (!name.empty()) {
        const std::string shown = take_character(name);
        if (line.size() + shown.size() > kLongest) return line + "...";
        line += shown;
    }
    return line;
}

std::string first_names(std::span<const std::string> names, size_t most) {
    std::string list;
    for (const std::string& name : names.first(std::min(most, names.size())))
        list += (list.empty() ? "" : ", ") + printable(name);
    return list + (names.size() > most ? ", ..." : "");
}

std::string count(int64_t n) {
    std::string digits = std::to_string(std::llabs(n));
    for (int64_t i = std::ssize(digits) - 3; i > 0; i -= 3) digits.insert(i, ",");
    return n < 0 ? "\u2212" + digits : digits;
}

std::string plural(int64_t n, std::string_view word) {
    return fmt::format("{} {}{}", count(n), word, n == 1 ? "" : "s");
}

}  // namespace adaq
