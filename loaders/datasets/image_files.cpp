// See image_files.h.
#include "loaders/datasets/image_files.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <filesystem>
#include <string_view>

#include "engine/error.h"

namespace adaq {

namespace fs = std::filesystem;

bool has_image_extension(const std::string& name) {
    constexpr std::array<std::string_view, 10> kExtensions{".jpg", ".jpeg", ".png",  ".ppm",  ".bmp",
                                                           ".pgm", ".tif",  ".tiff", ".webp", ".gif"};
    const size_t dot = name.rfind('.');
    if (dot == std::string::npos) return false;
    std::string extension = name.substr(dot);
    for (char& letter : extension) letter = static_cast<char>(std::tolower(static_cast<unsigned char>(letter)));
    return std::find(kExtensions.begin(), kExtensions.end(), extension) != kExtensions.end();
}

FolderListing list_folder(const std::string& path) {
    std::error_code error;
    FolderListing listing;
    for (fs::directory_iterator it(path, error), end; !error && it != end; it.increment(error)) {
        const std::string name = it->path().filename().string();
        if (name.front() == '.') continue;
        std::error_code ignored;  // a dangling link is neither
        if (it->is_directory(ignored)) {
            listing.folders.push_back(name);
        } else if (has_image_extension(name)) {
            listing.images.push_back(name);
        }
    }
    if (error) data_error("{}: the folder cannot be read ({})", path, error.message());
    std::sort(listing.images.begin(), listing.images.end());
    std::sort(listing.folders.begin(), listing.folders.end());
    return listing;
}

std::string join_path(const std::string& folder, const std::string& name) {
    std::string path;
    path.reserve(folder.size() + 1 + name.size());
    path += folder;
    if (!path.empty() && path.back() != '/') path += '/';
    return path += name;
}

}  // namespace adaq
