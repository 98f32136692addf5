// Names of networks, taken apart: "resnext50_32x4d" is "resnext", "50", "32", "x", "4", "d".
#pragma once

#include <string_view>
#include <vector>

namespace adaq {

struct NamePiece {
    std::string_view text;
    bool joined = false;  // to the piece before, without a mark between them

    bool is_number() const { return text.front() >= '0' && text.front() <= '9'; }
};

/// Runs of small letters and of digits.
std::vector<NamePiece> name_pieces(std::string_view name);

}  // namespace adaq
