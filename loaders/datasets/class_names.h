// Names of classes: reading a list of them, finding one in it, and the orders that give classes their indices.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace adaq {

/// Which class folder, or name of a label file, is class 0, which is class 1 ...
enum class ClassOrder {
    text,    // bytewise, as torchvision's ImageFolder: 0, 1, 10, 100, 101, ..., 2
    numeric  // numbers in names count as numbers: 0, 1, 2, ..., 10
};

void sort_class_names(std::vector<std::string>& names, ClassOrder order);

/// One name a line, in the order of the classes. DataError as TextFile (loaders/text_lines.h).
std::vector<std::string> read_class_names(const std::string& path);

/// The place of a name in a list of class names. Where all of them start with a WordNet ID and a blank, as in
/// "n01440764 tench, Tinca tinca", the ID alone is found, too.
class ClassIndex {
  public:
    /// `names` outlive the index.
    explicit ClassIndex(const std::vector<std::string>& names);

    std::optional<int> find(std::string_view name) const;

  private:
    std::unordered_map<std::string_view, int> places_;  // the first of equal names
};

}  // namespace adaq
