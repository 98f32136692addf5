// Names out of a file, made fit for an error message: a hostile name must not break the line or fill the screen.
#pragma once

#include <string>
#include <string_view>

namespace adaq {

/// `name` with control characters replaced by '?' and cut to 100 characters.
inline std::string printable(std::string_view name) {
    constexpr size_t kLongest = 100;
    std::string shown(name.substr(0, kLongest));
    for (char& c : shown)
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = '?';
    if (name.size() > kLongest) shown += "...";
    return shown;
}

}  // namespace adaq
