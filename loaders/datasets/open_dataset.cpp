// Finding out what a path holds, and the orders in which items are used.
#include <algorithm>
#include <filesystem>
#include <map>
#include <numeric>
#include <tuple>

#include "engine/error.h"
#include "loaders/datasets/kinds.h"

namespace adaq {

namespace fs = std::filesystem;

namespace {

constexpr const char* kExpected = "expected class folders, images, or MNIST's idx files";

std::unique_ptr<Dataset> open_idx_part(const std::string& folder, bool training) {
    const std::string images = find_idx_images(folder, training);
    if (images.empty()) {
        data_error("{}: no {}-images-idx3-ubyte or .gz in it, expected MNIST's {} part", folder,
                   training ? "train" : "t10k", training ? "training" : "test");
    }
    return open_idx(images, find_idx_labels(images));
}

/// "DIR:train" and "DIR:test", where DIR is a folder and the whole is not a path of its own.
std::unique_ptr<Dataset> open_named_part(const std::string& path) {
    std::error_code error;
    for (const bool training : {true, false}) {
        const std::string ending = training ? ":train" : ":test";
        if (!path.ends_with(ending)) continue;
        const std::string folder = path.substr(0, path.size() - ending.size());
        if (fs::is_directory(folder, error)) return open_idx_part(folder, training);
    }
    return nullptr;
}

void refuse_label_file(const std::string& path, const char* found, const DatasetOptions& options) {
    if (options.label_file.empty()) return;
    data_error("{}: {}, which has its own labels, expected a flat folder to go with the label file {}", path, found,
               options.label_file);
}

std::string find_label_file(const std::string& folder, const DatasetOptions& options) {
    if (!options.label_file.empty()) return options.label_file;
    if (options.role == DatasetRole::calibration) return "";
    std::error_code error;
    for (const char* name : {"labels.txt", "labels.csv"}) {
        if (const std::string path = join_path(folder, name); fs::is_regular_file(path, error)) return path;
    }
    return "";
}

std::unique_ptr<Dataset> open_folder(const std::string& path, const DatasetOptions& options) {
    const bool training = options.role == DatasetRole::calibration;
    if (!find_idx_images(path, true).empty() || !find_idx_images(path, false).empty()) {
        refuse_label_file(path, "IDX files", options);
        return open_idx_part(path, training);
    }
    FolderListing listing = list_folder(path);
    if (!listing.images.empty() && !listing.folders.empty()) {
        data_error("{}: both images ({}) and folders ({}), expected either class folders or images", path,
                   listing.images.front(), listing.folders.front());
    }
    if (!listing.folders.empty()) {
        refuse_label_file(path, "class folders", options);
        return open_class_folders(path, std::move(listing.folders), options.class_names);
    }
    if (listing.images.empty()) data_error("{}: no images in it, {}", path, kExpected);
    return open_flat_folder(path, std::move(listing.images), find_label_file(path, options), options.class_names);
}

std::unique_ptr<Dataset> open_any(const std::string& path, const DatasetOptions& options) {
    std::error_code error;
    const fs::file_status status = fs::status(path, error);
    if (!fs::exists(status)) {
        if (auto part = open_named_part(path)) return part;
        data_error("{}: no such file or folder, {}", path, kExpected);
    }
    if (fs::is_directory(status)) return open_folder(path, options);
    if (!fs::is_regular_file(status)) data_error("{}: neither a file nor a folder, {}", path, kExpected);
    if (has_image_extension(path)) data_error("{}: a single image, expected a folder of images", path);
    return open_idx(path, find_idx_labels(path));
}

/// Class folders that are fewer or more than the model's classes would give nearly every image a wrong label.
void check_folder_count(const Dataset& dataset, int classes) {
    const size_t names = dataset.class_names().size();
    if (names != 0 && names != static_cast<size_t>(classes)) {
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

std::vector<int64_t> calibration_order(const Dataset& dataset, int64_t count) {
    if (count < 1) usage_error("{} calibration images, expected at least 1", count);
    if (count > dataset.size()) {
        data_error("{}: too few calibration images, expected {} (or ask for fewer)", dataset.describe(), count);
    }
    std::vector<int64_t> order = validation_order(dataset);
    if (dataset.has_labels()) {
        // The rank of an item is its place within its class; sorting by (rank, class) takes one of each class in turn.
        std::vector<int64_t> rank(order.size());
        std::map<int, int64_t> seen;
        for (const int64_t item : order) rank[static_cast<size_t>(item)] = seen[dataset.label(item)]++;
        std::sort(order.begin(), order.end(), [&](int64_t a, int64_t b) {
            const auto key = [&](int64_t item) {
                return std::tuple(rank[static_cast<size_t>(item)], dataset.label(item), item);
            };
            return key(a) < key(b);
        });
    }
    order.resize(static_cast<size_t>(count));
    return order;
}

std::vector<int64_t> validation_order(const Dataset& dataset, int64_t count) {
    const int64_t size = count > 0 ? std::min(count, dataset.size()) : dataset.size();
    std::vector<int64_t> order(static_cast<size_t>(size));
    std::iota(order.begin(), order.end(), int64_t{0});
    return order;
}

}  // namespace adaq
