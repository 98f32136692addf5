// Text for people. Names and texts out of files, made fit for a line on a terminal: whatever they hold, they neither
// break the line nor move the cursor. Numbers of things.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace adaq {

/// `text` on one line of valid UTF-8. Escaped are control characters (\n, \t, \x1b), bytes that are no UTF-8 (\xff),
/// and characters that end a line or turn its direction (\u2028).
std::string one_line(std::string_view text);

/// The same of a name for an error message, cut to 100 bytes with what was escaped.
std::string printable(std::string_view name);

/// "conv1, bn1, fc, ...": the first `most` of these names, each printable.
std::string first_names(std::span<const std::string> names, size_t most);

/// "11,271,306"; below 0 with the minus sign U+2212.
std::string count(int64_t n);

/// "1 layer", "21 layers"
std::string plural(int64_t n, std::string_view word);

}  // namespace adaq
