// Listing folders for data sets.
#pragma once

#include <string>
#include <vector>

namespace adaq {

/// Names in a folder, sorted bytewise. Hidden entries (".DS_Store") are left out, as are files that are not images by
/// their extension (torchvision's list).
struct FolderListing {
    std::vector<std::string> images, folders;
};

/// Throws DataError if the folder does not exist or cannot be read.
FolderListing list_folder(const std::string& path);

/// The images in a folder and the folders in it, by their paths from there, in the order of torchvision's ImageFolder:
/// folders sorted by their paths, files sorted in each. Throws DataError as list_folder(), and where links lead round.
std::vector<std::string> list_images_below(const std::string& path);

/// .jpg .jpeg .png .ppm .bmp .pgm .tif .tiff .webp, in any case (torchvision's IMG_EXTENSIONS), and .gif.
bool has_image_extension(const std::string& name);

/// "folder/name", without doubling a slash that is there already.
std::string join_path(const std::string& folder, const std::string& name);

}  // namespace adaq
