// Finding out what a path holds, and the orders in which items are used.
#include <algorithm>
#include <array>
#include <filesystem>
#include <map>
#include <numeric>
#include <tuple>

#include "engine/error.h"
#include "engine/printable.h"
#include "loaders/datasets/kinds.h"

namespace adaq {

namespace fs = std::filesystem;

namespace {

constexpr const char* kExpected = "expected class folders, images, or MNIST's idx files";

std::unique_ptr<Dataset> open_idx_part(const std::string& folder, bool training, int label_offset) {
    const std::string images = find_idx_images(folder, training);
    if (images.empty()) {
        data_error("{}: no {}-images-idx3-ubyte or .gz in it, expected MNIST's {} part", folder,
                   training ? "train" : "t10k", training ? "training" : "test");
    }
    return open_idx(images, find_idx_labels(images), label_offset);
}

/// "DIR:train" and "DIR:test", where DIR is a folder and the whole is not a path of its own.
std::unique_ptr<Dataset> open_named_part(const std::string& path, int label_offset) {
    std::error_code error;
    for (const bool training : {true, false}) {
        const std::string ending = training ? ":train" : ":test";
        if (!path.ends_with(ending)) continue;
        const std::string folder = path.substr(0, path.size() - ending.size());
        if (fs::is_directory(folder, error)) return open_idx_part(folder, training, label_offset);
    }
    return nullptr;
}

void refuse_label_file(const std::string& path, const char* found, const DatasetOptions& options) {
    if (options.label_file.empty()) return;
    data_error("{}: {}, which has its own labels, expected a flat folder to go with the label file {}", path, found,
               options.label_file);
}

std::string existing(const fs::path& path) {
    std::error_code error;
    return fs::is_regular_file(path, error) ? path.string() : "";
}

/// Lists of labels that come with data sets: Tiny-ImageNet's lies beside the images or above them, ILSVRC's is in the
/// folder above ILSVRC/Data/CLS-LOC/val.
LabelPlace find_list(const std::string& folder) {
    constexpr int kFoldersAbove = 4;
    fs::path place = folder;
    for (int above = 0; above <= kFoldersAbove; ++above) {
        for (const char* name : {"val_annotations.txt", "LOC_val_solution.csv"}) {
            if (above > 1 && *name == 'v') continue;
            if (std::string path = existing(place / name); !path.empty()) return {path, LabelLines::of_a_data_set};
        }
        std::error_code error;
        const fs::path higher = fs::absolute(place, error).lexically_normal();
        place = (higher.has_filename() ? higher : higher.parent_path()).parent_path();
        if (error) break;
    }
    return {};
}

/// `folder`: where the path leads, `images`: where its images lie.
LabelPlace find_labels(const std::string& folder, const std::string& images, const DatasetOptions& options) {
    if (!options.label_file.empty()) return {options.label_file};
    if (options.role == DatasetRole::calibration) return {};
    for (const std::string& place : {images, folder}) {
        for (const char* name : {"labels.txt", "labels.csv"}) {
            if (const std::string path = existing(fs::path(place) / name); !path.empty()) return {path};
        }
    }
    return find_list(folder);
}

/// The folder for a role where a data set's folders are its parts, or nothing.
std::string part_for(DatasetRole role, const std::vector<std::string>& folders) {
    constexpr std::array<std::string_view, 4> kValidation{"val", "valid", "validation", "test"};
    const auto has = [&](std::string_view name) {
        return std::find(folders.begin(), folders.end(), name) != folders.end();
    };
    const bool parts = std::all_of(folders.begin(), folders.end(), [&](const std::string& name) {
        return name == "train" || std::find(kValidation.begin(), kValidation.end(), name) != kValidation.end();
    });
    if (!parts || folders.size() < 2 || !has("train")) return "";
    if (role == DatasetRole::calibration) return "train";
    return std::string(*std::find_if(kValidation.begin(), kValidation.end(), has));
}

/// Names of the model's classes are class folders, whatever else they may mean.
bool is_class(const std::string& folder, const DatasetOptions& options) {
    const std::vector<std::string>& names = options.class_names;
    return std::find(names.begin(), names.end(), folder) != names.end();
}

struct Folder {
    std::string path;
    FolderListing listing;
};

/// What lies at `path`, or in its part for this role.
Folder list_part(std::string path, const DatasetOptions& options) {
    FolderListing listing = list_folder(path);
    const std::string part = listing.images.empty() ? part_for(options.role, listing.folders) : "";
    if (part.empty() || is_class(part, options)) return {std::move(path), std::move(listing)};
    path = join_path(path, part);
    listing = list_folder(path);
    return {std::move(path), std::move(listing)};
}

bool holds_images_alone(const FolderListing& listing, const DatasetOptions& options) {
    return listing.images.empty() && listing.folders == std::vector<std::string>{"images"} &&
           !is_class("images", options);
}

std::unique_ptr<Dataset> open_folder(const std::string& whole, const DatasetOptions& options) {
    if (!find_idx_images(whole, true).empty() || !find_idx_images(whole, false).empty()) {
        refuse_label_file(whole, "IDX files", options);
        return open_idx_part(whole, options.role == DatasetRole::calibration, options.label_offset);
    }
    auto [path, listing] = list_part(whole, options);
    std::string images = path;
    if (holds_images_alone(listing, options)) {
        images = join_path(path, "images");
        listing = list_folder(images);
    }
    if (!listing.images.empty() && !listing.folders.empty()) {
        data_error("{}: both images ({}) and folders ({}), expected either class folders or images", path,
                   printable(listing.images.front()), printable(listing.folders.front()));
    }
    if (!listing.folders.empty()) {
        refuse_label_file(path, "class folders", options);
        return open_class_folders(images, std::move(listing.folders), options);
    }
    if (listing.images.empty()) data_error("{}: no images in it, {}", path, kExpected);
    const LabelPlace labels = find_labels(path, images, options);
    return open_flat_folder(images, std::move(listing.images), labels, options);
}

std::unique_ptr<Dataset> open_any(const std::string& path, const DatasetOptions& options) {
    std::error_code error;
    const fs::file_status status = fs::status(path, error);
    if (!fs::exists(status)) {
        if (auto part = open_named_part(path, options.label_offset)) return part;
        data_error("{}: no such file or folder, {}", path, kExpected);
    }
    if (fs::is_directory(status)) return open_folder(path, options);
    if (!fs::is_regular_file(status)) data_error("{}: neither a file nor a folder, {}", path, kExpected);
    if (has_image_extension(path)) data_error("{}: a single image, expected a folder of images", path);
    return open_idx(path, find_idx_labels(path), options.label_offset);
}

/// Class folders that are fewer or more than the model's classes would give nearly every image a wrong label.
void check_folder_count(const Dataset& dataset, int classes) {
    const int64_t names = std::ssize(dataset.class_names());
    if (names != 0 && names != classes) {
        data_error("{}: {} classes, expected {} (the model's)", dataset.describe(), names, classes);
    }
}

}  // namespace

std::unique_ptr<Dataset> open_dataset(const std::string& path, const DatasetOptions& options) {
    auto dataset = open_any(path, options);
    if (options.role == DatasetRole::validation && !dataset->has_labels()) {
        data_error("{}: no labels, expected class folders, a labels.txt in the folder, or a label file", path);
    }
    return dataset;
}

std::vector<std::string> class_folder_names(const std::string& path, const DatasetOptions& options) {
    std::error_code error;
    if (!fs::is_directory(path, error)) return {};
    Folder folder = list_part(path, options);
    if (!folder.listing.images.empty() || holds_images_alone(folder.listing, options)) return {};
    sort_class_names(folder.listing.folders, options.class_order.value_or(ClassOrder::text));
    return folder.listing.folders;
}

void check_labels(const Dataset& dataset, int classes) {
    check_folder_count(dataset, classes);
    if (!dataset.has_labels()) return;
    for (int64_t item = 0; item < dataset.size(); ++item) {
        if (const int label = dataset.label(item); label < 0 || label >= classes) {
            data_error("{}: label {}, expected 0 to {} (the model has {} classes)", dataset.item_name(item), label,
                       classes - 1, classes);
        }
    }
}

void check_calibration_count(const Dataset& dataset, int64_t count) {
    if (count < 1) usage_error("`images` {}: expected at least 1", count);
    if (count > dataset.size())
        data_error("{}: too few calibration images, expected {} (or ask for fewer `images`)", dataset.describe(),
                   count);
}

std::vector<int64_t> calibration_order(const Dataset& dataset, int64_t count) {
    check_calibration_count(dataset, count);
    std::vector<int64_t> order = validation_order(dataset);
    if (dataset.has_labels()) {
        // The rank of an item is its place within its class; sorting by (rank, class) takes one of each class in turn.
        std::vector<int64_t> rank(order.size());
        std::map<int, int64_t> seen;
        for (const int64_t item : order) rank[item] = seen[dataset.label(item)]++;
        std::sort(order.begin(), order.end(), [&](int64_t a, int64_t b) {
            const auto key = [&](int64_t item) { return std::tuple(rank[item], dataset.label(item), item); };
            return key(a) < key(b);
        });
    }
    order.resize(count);
    return order;
}

std::vector<int64_t> validation_order(const Dataset& dataset, int64_t count) {
    const int64_t size = count > 0 ? std::min(count, dataset.size()) : dataset.size();
    std::vector<int64_t> order(size);
    std::iota(order.begin(), order.end(), int64_t{0});
    return order;
}

}  // namespace adaq
