// See image_files.h.
#include "loaders/datasets/image_files.h"

#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cerrno>
#include <cstring>
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

namespace {

/// A folder is told by its device and number, so that one that is met again below itself is known.
using FolderId = std::pair<dev_t, ino_t>;

FolderId id_of(const std::string& path) {
    struct stat status {};
    if (::stat(path.c_str(), &status) != 0) data_error("{}: {}", path, std::strerror(errno));
    return {status.st_dev, status.st_ino};
}

void collect(const std::string& root, const std::string& below, std::vector<FolderId>& above,
             std::vector<std::pair<std::string, std::vector<std::string>>>& found) {
    const std::string path = below.empty() ? root : join_path(root, below);
    const FolderId id = id_of(path);
    if (std::find(above.begin(), above.end(), id) != above.end())
        data_error("{}: a link to a folder above it, expected images", path);
    above.push_back(id);
    FolderListing listing = list_folder(path);
    found.emplace_back(below, std::move(listing.images));
    for (const std::string& folder : listing.folders)
        collect(root, below.empty() ? folder : join_path(below, folder), above, found);
    above.pop_back();
}

}  // namespace

std::vector<std::string> list_images_below(const std::string& path) {
    std::vector<FolderId> above;
    std::vector<std::pair<std::string, std::vector<std::string>>> found;
    collect(path, "", above, found);
    std::sort(found.begin(), found.end());
    std::vector<std::string> images;
    for (auto& [folder, names] : found)
        for (std::string& name : names) images.push_back(folder.empty() ? std::move(name) : join_path(folder, name));
    return images;
}

std::string join_path(const std::string& folder, const std::string& name) {
    std::string path;
    path.reserve(folder.size() + 1 + name.size());
    path += folder;
    if (!path.empty() && path.back() != '/') path += '/';
    return path += name;
}

}  // namespace adaq
