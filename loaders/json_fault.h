// The first look at JSON that comes out of a file: nlohmann's parser takes anything, and walks through what it has made
// by recursion; it is asked to parse only what passed this.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace adaq {

/// What is wrong with `text` as JSON: "is not JSON (at byte 7)", "nests deeper than 64 levels", "has the key \"a\"
/// twice", "has more than 1048576 values"; or nothing. Takes time in proportion to the text's length.
std::optional<std::string> json_fault(std::string_view text);

}  // namespace adaq
