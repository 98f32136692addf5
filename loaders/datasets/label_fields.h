// The form of a label file's lines, before anything is known of images and classes: fields, boxes, header lines.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace adaq {

/// What may stand between the fields of a line.
enum class Separator { tab, comma, semicolon, blank };
inline constexpr Separator kSeparators[] = {Separator::tab, Separator::comma, Separator::semicolon, Separator::blank};

/// The place of the next separator, or npos.
size_t find_separator(std::string_view text, Separator separator, size_t from = 0);

/// Trimmed, and without the quotes around it.
std::string_view unquoted(std::string_view field);

/// All fields of a line; a separator between quotes is part of a field.
std::vector<std::string_view> fields_of(std::string_view line, Separator separator);

/// A label without the boxes that ILSVRC's and Tiny-ImageNet's lists give behind it: of "n01978287 85 1 499 272", which
/// may be followed by more such groups, "n01978287". Anything else stays as it is.
std::string_view without_boxes(std::string_view label);

/// A number of digits alone, if it fits.
std::optional<int> class_number(std::string_view text);

/// Which fields of a line are the image's name and its label, by the words of a header line such as "id,file,class";
/// nothing if it names none of either.
struct LabelColumns {
    Separator separator;
    size_t name, label;
    bool usual;  // two fields, the name before the label
};
std::optional<LabelColumns> label_columns(std::string_view header);

}  // namespace adaq
