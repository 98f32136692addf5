// The kinds of data set that open_dataset() chooses from.
#pragma once

#include "loaders/datasets/dataset.h"
#include "loaders/datasets/image_files.h"
#include "loaders/datasets/label_file.h"

namespace adaq {

/// DIR/<class>/.../<image>. `folders` are the class folders.
std::unique_ptr<Dataset> open_class_folders(const std::string& root, std::vector<std::string> folders,
                                            const DatasetOptions& options);

/// Where the labels of a flat folder stand; no file: nowhere.
struct LabelPlace {
    std::string file;
    LabelLines lines = LabelLines::of_this_folder;
};

/// DIR/<image>, in the order of `images`.
std::unique_ptr<Dataset> open_flat_folder(const std::string& root, std::vector<std::string> images,
                                          const LabelPlace& labels, const DatasetOptions& options);

/// An IDX file of images and, if `labels` is not empty, one of labels, to which `label_offset` is added; both gzipped
/// or not.
std::unique_ptr<Dataset> open_idx(const std::string& images, const std::string& labels, int label_offset);

/// The file of images of a folder's training or test part ("" if it has none), and the labels file that belongs to a
/// file of images ("" if it is not there).
std::string find_idx_images(const std::string& folder, bool training);
std::string find_idx_labels(const std::string& images);

}  // namespace adaq
