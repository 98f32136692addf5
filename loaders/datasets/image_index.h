// Finding an image of a folder by what a label file calls it.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "loaders/datasets/label_fields.h"

namespace adaq {

class ImageIndex {
  public:
    /// `images` are the file names; they outlive the index.
    explicit ImageIndex(const std::vector<std::string>& images);

    /// By the name, by the name without extension where one image alone bears it, either with folders before it.
    std::optional<size_t> find(std::string_view name) const;

    /// How often a separator stands in an image's name, at most.
    size_t most(Separator separator) const { return most_[static_cast<size_t>(separator)]; }

  private:
    std::unordered_map<std::string_view, size_t> names_, stems_;
    std::array<size_t, std::size(kSeparators)> most_{};
};

}  // namespace adaq
