// How the report writes numbers and foreign text: one place, so that the table and the page agree. The minus sign is
// U+2212, lengths are counted in code points (what a terminal shows).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "engine/printable.h"

namespace adaq::report {

using adaq::count, adaq::plural;

/// A number to `digits` significant digits: "0.0120", "512", "1.20e-07"; 0 is "0".
std::string significant(double value, int digits = 3);

/// A fixed number of decimals: "−2.46". Not finite: "∞", "−∞", "–".
std::string fixed(double value, int decimals);

/// A share in [0, 1] as "56.65 %"; what would round to zero without being zero is "< 0.01 %".
std::string percent(double share);

/// Bytes as "44.98 MB" (a megabyte is 10^6 bytes), kB where that would be below 0.1.
std::string megabytes(int64_t bytes);

/// "0.84 s", "12.3 s", "2 min 05 s", "1 h 02 min"
std::string duration(double seconds);

/// Code points of UTF-8 text.
int width(std::string_view text);

/// Text cut to `columns` code points, the last one an ellipsis where something is missing.
std::string shortened(std::string_view text, int columns);

/// Foreign text for HTML and SVG, content or quoted attribute: & < > " ' escaped, control characters replaced by
/// U+FFFD.
std::string escaped(std::string_view text);

}  // namespace adaq::report
