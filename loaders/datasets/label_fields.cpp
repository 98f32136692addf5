// See label_fields.h.
#include "loaders/datasets/label_fields.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>

#include "loaders/text_lines.h"

namespace adaq {

namespace {

constexpr std::array<std::string_view, 14> kNameWords{"filename", "file",     "image",     "imageid",  "name",
                                                      "path",     "filepath", "imagepath", "img",      "imagename",
                                                      "fname",    "id",       "imgname",   "imagefile"};
constexpr std::array<std::string_view, 12> kLabelWords{"label",  "predictionstring", "class",     "classid",
                                                       "target", "labels",           "labelid",   "wnid",
                                                       "synset", "category",         "classname", "y"};

/// "Image_ID" -> "imageid".
std::string plain_word(std::string_view field) {
    std::string word;
    for (const char c : unquoted(field)) {
        const auto letter = static_cast<unsigned char>(c);
        if (c != '_' && c != '-' && c != ' ') word += static_cast<char>(std::tolower(letter));
    }
    return word;
}

/// The field that is one of `words`, the earliest of them first.
template <size_t count>
std::optional<size_t> field_called(const std::vector<std::string>& fields,
                                   const std::array<std::string_view, count>& words) {
    for (const std::string_view word : words) {
        const auto found = std::find(fields.begin(), fields.end(), word);
        if (found != fields.end()) return found - fields.begin();
    }
    return std::nullopt;
}

bool is_number(std::string_view text) {
    double number = 0.0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    return error == std::errc{} && end == text.data() + text.size();
}

}  // namespace

size_t find_separator(std::string_view text, Separator separator, size_t from) {
    switch (separator) {
        case Separator::tab:
            return text.find('\t', from);
        case Separator::comma:
            return text.find(',', from);
        case Separator::semicolon:
            return text.find(';', from);
        case Separator::blank:
            break;
    }
    return text.find_first_of(" \t", from);
}

std::string_view unquoted(std::string_view field) {
    const std::string_view text = trimmed(field);
    if (text.size() >= 2 && text.front() == '"' && text.back() == '"') return text.substr(1, text.size() - 2);
    return text;
}

std::vector<std::string_view> fields_of(std::string_view line, Separator separator) {
    std::vector<std::string_view> fields;
    for (size_t from = 0;;) {
        size_t start = from;
        if (line.substr(from).starts_with('"')) {
            const size_t quote = line.find('"', from + 1);
            if (quote != std::string_view::npos) start = quote;
        }
        const size_t end = find_separator(line, separator, start);
        fields.push_back(unquoted(line.substr(from, end - from)));
        if (end == std::string_view::npos) return fields;
        from = end + 1;
    }
}

std::string_view without_boxes(std::string_view label) {
    constexpr size_t kGroup = 5;  // a name and the four edges of a box
    constexpr std::string_view kBetween = " \t,;";
    const std::string_view text = unquoted(label);
    std::string_view first;
    size_t place = 0;
    for (size_t at = text.find_first_not_of(kBetween); at != std::string_view::npos; ++place) {
        const size_t end = std::min(text.find_first_of(kBetween, at), text.size());
        const std::string_view word = text.substr(at, end - at);
        if (is_number(word) == (place % kGroup == 0)) return text;
        if (place == 0) first = word;
        at = text.find_first_not_of(kBetween, end);
    }
    return place >= kGroup && place % kGroup == 0 ? first : text;
}

std::optional<int> class_number(std::string_view text) {
    int number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (text.empty() || error != std::errc{} || end != text.data() + text.size() || number < 0) return std::nullopt;
    return number;
}

std::optional<LabelColumns> label_columns(std::string_view header) {
    for (const Separator separator : kSeparators) {
        if (find_separator(header, separator) == std::string_view::npos) continue;
        std::vector<std::string> words;
        for (const std::string_view field : fields_of(header, separator)) words.push_back(plain_word(field));
        const auto name = field_called(words, kNameWords), label = field_called(words, kLabelWords);
        if (name && label) return LabelColumns{separator, *name, *label, words.size() == 2 && *name < *label};
    }
    return std::nullopt;
}

}  // namespace adaq
