// Label files of flat folders; see read_label_file in kinds.h for their forms.
#include <algorithm>
#include <charconv>
#include <fstream>
#include <map>
#include <optional>

#include "engine/error.h"
#include "loaders/datasets/kinds.h"

namespace adaq {

namespace {

struct Line {
    int64_t number;  // from 1
    std::string text;
};

std::string trimmed(const std::string& text) {
    constexpr const char* kBlank = " \t\r\n";
    const size_t from = text.find_first_not_of(kBlank);
    if (from == std::string::npos) return "";
    return text.substr(from, text.find_last_not_of(kBlank) + 1 - from);
}

std::string unquoted(const std::string& field) {
    std::string text = trimmed(field);
    if (text.size() >= 2 && text.front() == '"' && text.back() == '"') return text.substr(1, text.size() - 2);
    return text;
}

std::vector<Line> read_lines(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    if (!file) data_error("{}: the label file cannot be opened", path);
    std::vector<Line> lines;
    std::string text;
    for (int64_t number = 1; std::getline(file, text); ++number) {
        if (number == 1 && text.rfind("\xEF\xBB\xBF", 0) == 0) text.erase(0, 3);  // byte order mark
        if (text = trimmed(text); !text.empty()) lines.push_back({number, text});
    }
    if (file.bad()) data_error("{}: the label file cannot be read", path);
    if (lines.empty()) data_error("{}: an empty label file, expected a label for each image", path);
    return lines;
}

/// Turns label files into labels; holds what every step needs to look up and to say in errors.
class LabelFile {
  public:
    LabelFile(const std::string& path, const std::vector<std::string>& images, const std::vector<std::string>& classes)
        : path_(path), images_(images), classes_(classes), lines_(read_lines(path)) {
        for (size_t i = 0; i < images.size(); ++i) position_[images[i]] = i;
    }

    std::vector<int> labels() {
        if (label_of(lines_.front().text)) return labels_in_order();
        if (!split(lines_.front()) && looks_like_header()) lines_.erase(lines_.begin());
        return labels_by_name();
    }

  private:
    struct Entry {
        size_t image;
        int label;
    };

    std::optional<int> label_of(const std::string& field) const {
        const std::string text = unquoted(field);
        const auto found = std::find(classes_.begin(), classes_.end(), text);
        if (found != classes_.end()) return static_cast<int>(found - classes_.begin());
        int index = 0;
        const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), index);
        if (error != std::errc{} || end != text.data() + text.size() || index < 0) return std::nullopt;
        if (!classes_.empty() && index >= static_cast<int>(classes_.size())) return std::nullopt;
        return index;
    }

    std::optional<size_t> image_of(const std::string& field) const {
        const auto found = position_.find(unquoted(field));
        return found == position_.end() ? std::nullopt : std::optional(found->second);
    }

    /// "name,label" or "name label": names and class names may have blanks in them, so every place to split is tried.
    std::optional<Entry> split(const Line& line) const {
        const char* separators = line.text.find(',') == std::string::npos ? " \t" : ",";
        for (size_t at = line.text.find_first_of(separators); at != std::string::npos;
             at = line.text.find_first_of(separators, at + 1)) {
            const auto image = image_of(line.text.substr(0, at));
            const auto label = label_of(line.text.substr(at + 1));
            if (image && label) return Entry{*image, *label};
        }
        return std::nullopt;
    }

    /// A first line such as "filename,label": a CSV line without the name of an image.
    bool looks_like_header() const {
        const std::string& text = lines_.front().text;
        const size_t comma = text.find(',');
        return lines_.size() > 1 && comma != std::string::npos && !has_image_extension(unquoted(text.substr(0, comma)));
    }

    std::vector<int> labels_in_order() const {
        std::vector<int> labels;
        for (const Line& line : lines_) {
            const auto label = label_of(line.text);
            if (!label)
                data_error("{}, line {}: \"{}\", expected a label ({})", path_, line.number, line.text, known());
            labels.push_back(*label);
        }
        if (labels.size() != images_.size()) {
            data_error("{}: {} labels, expected one for each of the {} images", path_, labels.size(), images_.size());
        }
        return labels;
    }

    std::vector<int> labels_by_name() const {
        std::vector<int> labels(images_.size(), Dataset::kNoLabel);
        for (const Line& line : lines_) {
            const auto entry = split(line);
            if (!entry) {
                data_error("{}, line {}: \"{}\", expected the name of an image in the folder and its label ({})", path_,
                           line.number, line.text, known());
            }
            if (labels[entry->image] != Dataset::kNoLabel) {
                data_error("{}, line {}: a second label for {}, expected one", path_, line.number,
                           images_[entry->image]);
            }
            labels[entry->image] = entry->label;
        }
        const auto missing = std::find(labels.begin(), labels.end(), Dataset::kNoLabel);
        if (missing != labels.end()) {
            data_error("{}: no label for {}, expected one for each of the {} images", path_,
                       images_[static_cast<size_t>(missing - labels.begin())], images_.size());
        }
        return labels;
    }

    std::string known() const {
        if (classes_.empty()) return "a class index";
        return fmt::format("a class index from 0 to {} or a class name", classes_.size() - 1);
    }

    const std::string& path_;
    const std::vector<std::string>& images_;
    const std::vector<std::string>& classes_;
    std::map<std::string, size_t> position_;
    std::vector<Line> lines_;
};

}  // namespace

std::vector<int> read_label_file(const std::string& path, const std::vector<std::string>& images,
                                 const std::vector<std::string>& known_classes) {
    return LabelFile(path, images, known_classes).labels();
}

}  // namespace adaq
