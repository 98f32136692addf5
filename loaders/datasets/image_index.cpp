// See image_index.h.
#include "loaders/datasets/image_index.h"

#include <algorithm>

namespace adaq {

namespace {

constexpr size_t kAmbiguous = static_cast<size_t>(-1);

size_t occurrences(std::string_view name, Separator separator) {
    size_t count = 0;
    for (size_t at = find_separator(name, separator); at != std::string_view::npos;
         at = find_separator(name, separator, at + 1))
        ++count;
    return count;
}

}  // namespace

ImageIndex::ImageIndex(const std::vector<std::string>& images) {
    for (size_t i = 0; i < images.size(); ++i) {
        const std::string_view name = images[i];
        names_.emplace(name, i);
        const auto [other, added] = stems_.emplace(name.substr(0, name.rfind('.')), i);
        if (!added) other->second = kAmbiguous;
        for (const Separator separator : kSeparators) {
            size_t& most = most_[static_cast<size_t>(separator)];
            most = std::max(most, occurrences(name, separator));
        }
    }
}

std::optional<size_t> ImageIndex::find(std::string_view name) const {
    for (const std::string_view candidate : {name, name.substr(name.find_last_of("/\\") + 1)}) {
        if (const auto found = names_.find(candidate); found != names_.end()) return found->second;
        const auto found = stems_.find(candidate);
        if (found != stems_.end() && found->second != kAmbiguous) return found->second;
    }
    return std::nullopt;
}

}  // namespace adaq
