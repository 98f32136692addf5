// See label_file.h. A file is understood in two steps: which line belongs to which image, then what its labels mean.
#include "loaders/datasets/label_file.h"

#include <algorithm>
#include <set>
#include <utility>

#include "engine/error.h"
#include "engine/printable.h"
#include "loaders/datasets/image_files.h"
#include "loaders/datasets/image_index.h"
#include "loaders/datasets/label_fields.h"
#include "loaders/text_lines.h"

namespace adaq {

namespace {

/// A line that is understood, but for what its label means.
struct Entry {
    int64_t line;
    std::string_view text, label;
    std::optional<size_t> image;
};

class LabelFile {
  public:
    LabelFile(const std::string& path, LabelLines wanted, const std::vector<std::string>& images,
              const DatasetOptions& options)
        : path_(path),
          wanted_(wanted),
          images_(images),
          options_(options),
          index_(images),
          known_(options.class_names),
          file_(path, "a label file") {}

    FileLabels read();

  private:
    std::optional<Entry> split(const TextLine& line, Separator separator) const;
    std::optional<Entry> split(const TextLine& line) const;
    Entry columns_of(const TextLine& line, const LabelColumns& columns) const;
    bool looks_like_header(const TextLine& line, const TextLine& next) const;
    bool read_as_list();
    bool read_as_list_of_names();
    void read_in_order(size_t first);
    void read_by_name(size_t first, const std::optional<LabelColumns>& columns);
    std::optional<int> number(std::string_view label, size_t classes) const;
    bool all_are_of(const ClassIndex& classes, size_t count) const;
    std::vector<std::string> own_names() const;
    FileLabels labels_of(const ClassIndex& classes, std::vector<std::string> names, LabelSource source) const;
    FileLabels meaning() const;
    [[noreturn]] void refuse(const Entry& entry) const;
    void check_complete(const FileLabels& found) const;
    std::string expected_label() const;

    const std::string& path_;
    const LabelLines wanted_;
    const std::vector<std::string>& images_;
    const DatasetOptions& options_;
    const ImageIndex index_;
    const ClassIndex known_;
    const TextFile file_;
    std::vector<Entry> entries_;
};

/// A class number's class, if there can be such a one.
std::optional<int> LabelFile::number(std::string_view label, size_t classes) const {
    const auto found = class_number(label);
    if (!found) return std::nullopt;
    const int64_t index = int64_t{*found} + options_.label_offset;
    const auto limit = classes == 0 ? int64_t{1} << 31 : static_cast<int64_t>(classes);
    return index >= 0 && index < limit ? std::optional(static_cast<int>(index)) : std::nullopt;
}

/// At the first separator behind an image's name. Names may have separators in them, but no more than images have.
std::optional<Entry> LabelFile::split(const TextLine& line, Separator separator) const {
    size_t at = find_separator(line.text, separator);
    for (size_t tried = 0; at != std::string_view::npos && tried <= index_.most(separator); ++tried) {
        const std::string_view rest = line.text.substr(at + 1);
        if (const auto image = index_.find(unquoted(line.text.substr(0, at))); image && !trimmed(rest).empty())
            return Entry{line.number, line.text, without_boxes(rest), image};
        at = find_separator(line.text, separator, at + 1);
    }
    return std::nullopt;
}

std::optional<Entry> LabelFile::split(const TextLine& line) const {
    for (const Separator separator : kSeparators) {
        if (auto entry = split(line, separator)) return entry;
    }
    return std::nullopt;
}

Entry LabelFile::columns_of(const TextLine& line, const LabelColumns& columns) const {
    const std::vector<std::string_view> fields = fields_of(line.text, columns.separator);
    if (std::max(columns.name, columns.label) >= fields.size()) return {line.number, line.text, {}, std::nullopt};
    return {line.number, line.text, without_boxes(fields[columns.label]), index_.find(fields[columns.name])};
}

/// What stands behind the first separator of a line that is about no image of the folder.
std::string_view label_of(std::string_view line) {
    for (const Separator separator : kSeparators) {
        const size_t at = find_separator(line, separator);
        if (at != std::string_view::npos) return without_boxes(line.substr(at + 1));
    }
    return {};
}

/// Whether a first line that is about no image of the folder is one such as "picture,kind": neither the name of an
/// image nor a label is in it.
bool LabelFile::looks_like_header(const TextLine& line, const TextLine& next) const {
    for (const Separator separator : kSeparators) {
        const size_t at = find_separator(line.text, separator);
        if (at == std::string_view::npos) continue;
        const std::string_view label = unquoted(line.text.substr(at + 1));
        return !has_image_extension(std::string(unquoted(line.text.substr(0, at)))) && !class_number(label) &&
               !known_.find(label) && split(next);
    }
    return false;
}

void LabelFile::read_in_order(size_t first) {
    const std::vector<TextLine>& lines = file_.lines();
    for (size_t i = first; i < lines.size(); ++i)
        entries_.push_back({lines[i].number, lines[i].text, unquoted(lines[i].text), i - first});
}

void LabelFile::read_by_name(size_t first, const std::optional<LabelColumns>& columns) {
    const std::vector<TextLine>& lines = file_.lines();
    for (size_t i = first; i < lines.size(); ++i) {
        if (columns) {
            entries_.push_back(columns_of(lines[i], *columns));
            continue;
        }
        const auto entry = split(lines[i]);
        entries_.push_back(entry ? *entry
                                 : Entry{lines[i].number, lines[i].text, label_of(lines[i].text), std::nullopt});
    }
}

std::string LabelFile::expected_label() const {
    if (options_.class_names.empty()) return "a class index";
    const auto first = -int64_t{options_.label_offset};
    return fmt::format("a class index from {} to {} or a class name", std::max<int64_t>(first, 0),
                       first + static_cast<int64_t>(options_.class_names.size()) - 1);
}

void LabelFile::refuse(const Entry& entry) const {
    const std::string text = printable(entry.text);
    if (!entry.image)
        data_error("{}, line {}: \"{}\", expected the name of an image in the folder and its label ({})", path_,
                   entry.line, text, expected_label());
    const auto found = class_number(entry.label);
    const bool one_more = found && *found == std::ssize(options_.class_names);
    data_error("{}, line {}: \"{}\", expected a label ({}){}", path_, entry.line, text, expected_label(),
               one_more && options_.label_offset == 0 ? "; where labels count from 1, give `label_offset` -1" : "");
}

bool LabelFile::all_are_of(const ClassIndex& classes, size_t count) const {
    return std::all_of(entries_.begin(), entries_.end(), [&](const Entry& entry) {
        return !entry.image || classes.find(entry.label) || number(entry.label, count);
    });
}

/// The names among the labels, of images that are elsewhere, too.
std::vector<std::string> LabelFile::own_names() const {
    std::set<std::string_view> names;
    for (const Entry& entry : entries_) {
        if (!entry.label.empty() && !class_number(entry.label)) names.insert(entry.label);
    }
    std::vector<std::string> sorted(names.begin(), names.end());
    sort_class_names(sorted, options_.class_order.value_or(ClassOrder::text));
    return sorted;
}

FileLabels LabelFile::labels_of(const ClassIndex& classes, std::vector<std::string> names, LabelSource source) const {
    FileLabels found{std::vector<int>(images_.size(), Dataset::kNoLabel), LabelSource::numbers, std::move(names)};
    for (const Entry& entry : entries_) {
        if (!entry.image && wanted_ == LabelLines::of_a_data_set) continue;
        if (!entry.image) refuse(entry);
        std::optional<int> label = classes.find(entry.label);
        if (label) found.source = source;
        if (!label) label = number(entry.label, found.class_names.size());
        if (!label) refuse(entry);
        int& place = found.labels[*entry.image];
        if (place != Dataset::kNoLabel)
            data_error("{}, line {}: a second label for {}, expected one", path_, entry.line,
                       printable(images_[*entry.image]));
        place = *label;
    }
    return found;
}

/// The labels by the first list of class names that has them all.
FileLabels LabelFile::meaning() const {
    const std::vector<std::string>& model = options_.class_names;
    if (all_are_of(known_, model.size())) return labels_of(known_, model, LabelSource::model_names);
    const auto fits = [&](size_t count) { return options_.classes == 0 || std::cmp_equal(count, options_.classes); };
    const std::vector<std::string>& others = options_.other_class_names;
    if (const ClassIndex other(others); !others.empty() && fits(others.size()) && all_are_of(other, others.size()))
        return labels_of(other, others, LabelSource::places);
    const std::vector<std::string> own = own_names();
    if (const ClassIndex index(own); options_.classes > 0 && fits(own.size()) && all_are_of(index, own.size()))
        return labels_of(index, own, LabelSource::places);
    return labels_of(known_, model, LabelSource::model_names);  // which says what is wrong
}

void LabelFile::check_complete(const FileLabels& found) const {
    const auto missing = std::find(found.labels.begin(), found.labels.end(), Dataset::kNoLabel);
    if (missing == found.labels.end()) return;
    data_error("{}: no label for {}, expected one for each of the {} images", path_,
               printable(images_[missing - found.labels.begin()]), images_.size());
}

/// Labels alone, one for each image in order.
bool LabelFile::read_as_list() {
    const std::vector<TextLine>& lines = file_.lines();
    const auto is_label = [&](const TextLine& line) {
        const std::string_view text = unquoted(line.text);
        return known_.find(text) || number(text, options_.class_names.size());
    };
    const bool plain = is_label(lines[0]);
    const bool headed = !plain && lines.size() == images_.size() + 1 && is_label(lines[1]) && !split(lines[0]);
    if (!plain && !headed) return false;
    if (const size_t count = lines.size() - headed; count != images_.size())
        data_error("{}: {} labels, expected one for each of the {} images", path_, count, images_.size());
    read_in_order(headed);
    return true;
}

/// The same with names that nothing but the number of classes tells to be names.
bool LabelFile::read_as_list_of_names() {
    const bool named =
        std::any_of(entries_.begin(), entries_.end(), [](const Entry& e) { return e.image.has_value(); });
    if (named || file_.lines().size() != images_.size()) return false;
    std::vector<Entry> by_name;
    std::swap(by_name, entries_);
    read_in_order(0);
    const auto fits = [&](const std::vector<std::string>& names) {
        return static_cast<int>(names.size()) == options_.classes && all_are_of(ClassIndex(names), names.size());
    };
    if (options_.classes > 0 && (fits(options_.other_class_names) || fits(own_names()))) return true;
    std::swap(by_name, entries_);
    return false;
}

FileLabels LabelFile::read() {
    const std::vector<TextLine>& lines = file_.lines();
    if (!read_as_list()) {
        const bool begins = split(lines[0]).has_value();
        auto columns = begins ? std::nullopt : label_columns(lines[0].text);
        const bool header = columns || (!begins && lines.size() > 1 && looks_like_header(lines[0], lines[1]));
        if (columns && columns->usual) columns.reset();
        read_by_name(header, columns);
        if (!header) read_as_list_of_names();
    }
    FileLabels found = meaning();
    check_complete(found);
    return found;
}

}  // namespace

FileLabels read_label_file(const std::string& path, LabelLines lines, const std::vector<std::string>& images,
                           const DatasetOptions& options) {
    return LabelFile(path, lines, images, options).read();
}

}  // namespace adaq
