// See class_names.h.
#include "loaders/datasets/class_names.h"

#include <algorithm>
#include <cctype>

#include "loaders/text_lines.h"

namespace adaq {

namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

/// Takes a number off the front of `text`, less leading zeros.
std::string_view take_number(std::string_view& text) {
    const auto end = std::find_if_not(text.begin(), text.end(), is_digit);
    std::string_view digits = text.substr(0, end - text.begin());
    text.remove_prefix(digits.size());
    digits.remove_prefix(std::min(digits.find_first_not_of('0'), digits.size()));
    return digits;
}

/// Compares text with text and numbers with numbers, whatever their size.
bool numerically_less(const std::string& a, const std::string& b) {
    std::string_view left = a, right = b;
    while (!left.empty() && !right.empty()) {
        if (is_digit(left.front()) && is_digit(right.front())) {
            const std::string_view x = take_number(left), y = take_number(right);
            if (x.size() != y.size()) return x.size() < y.size();
            if (x != y) return x < y;
            continue;
        }
        if (left.front() != right.front())
            return static_cast<unsigned char>(left.front()) < static_cast<unsigned char>(right.front());
        left.remove_prefix(1);
        right.remove_prefix(1);
    }
    if (left.empty() != right.empty()) return left.empty();
    return a < b;  // "01" and "1"
}

/// The WordNet ID at the front of "n01440764 tench, Tinca tinca", or nothing.
std::string_view wordnet_id(std::string_view name) {
    constexpr size_t kLength = 9;
    if (name.size() <= kLength || name.front() != 'n' || (name[kLength] != ' ' && name[kLength] != '\t')) return {};
    const std::string_view id = name.substr(0, kLength);
    return std::all_of(id.begin() + 1, id.end(), is_digit) ? id : std::string_view{};
}

}  // namespace

void sort_class_names(std::vector<std::string>& names, ClassOrder order) {
    if (order == ClassOrder::numeric)
        std::sort(names.begin(), names.end(), numerically_less);
    else
        std::sort(names.begin(), names.end());
}

std::vector<std::string> read_class_names(const std::string& path) {
    const TextFile file(path, "class names, one a line");
    std::vector<std::string> names;
    for (const TextLine& line : file.lines()) names.emplace_back(line.text);
    return names;
}

ClassIndex::ClassIndex(const std::vector<std::string>& names) {
    for (size_t i = 0; i < names.size(); ++i) places_.emplace(names[i], static_cast<int>(i));
    const bool identified =
        std::all_of(names.begin(), names.end(), [](const std::string& name) { return !wordnet_id(name).empty(); });
    if (!identified) return;
    for (size_t i = 0; i < names.size(); ++i) places_.emplace(wordnet_id(names[i]), static_cast<int>(i));
}

std::optional<int> ClassIndex::find(std::string_view name) const {
    const auto found = places_.find(name);
    return found == places_.end() ? std::nullopt : std::optional(found->second);
}

}  // namespace adaq
