#include "loaders/weights/name_pieces.h"

namespace adaq {

std::vector<NamePiece> name_pieces(std::string_view name) {
    const auto is_letter = [](char c) { return c >= 'a' && c <= 'z'; };
    const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
    std::vector<NamePiece> pieces;
    size_t at = 0;
    bool joined = false;
    while (at < name.size()) {
        const bool letters = is_letter(name[at]);
        if (!letters && !is_digit(name[at])) {
            joined = false;
            ++at;
            continue;
        }
        size_t end = at;
        while (end < name.size() && (letters ? is_letter(name[end]) : is_digit(name[end]))) ++end;
        pieces.push_back({name.substr(at, end - at), joined});
        joined = true;
        at = end;
    }
    return pieces;
}

}  // namespace adaq
