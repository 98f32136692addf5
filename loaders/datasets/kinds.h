// The kinds of data set that open_dataset() chooses from.
#pragma once

#include "loaders/datasets/dataset.h"
#include "loaders/datasets/image_files.h"

namespace adaq {

/// DIR/<class>/<image>. `folders` are the class folders, sorted; indices follow `known_classes` if it has all of them.
std::unique_ptr<Dataset> open_class_folders(const std::string& root, std::vector<std::string> folders,
                                            const std::vector<std::string>& known_classes);

/// DIR/<image>, in the order of `images`; `label_file` may be empty: no labels.
std::unique_ptr<Dataset> open_flat_folder(const std::string& root, std::vector<std::string> images,
                                          const std::string& label_file, const std::vector<std::string>& known_classes);

/// An IDX file of images and, if `labels` is not empty, one of labels; both gzipped or not.
std::unique_ptr<Dataset> open_idx(const std::string& images, const std::string& labels);

/// The file of images of a folder's training or test part ("" if it has none), and the labels file that belongs to a
/// file of images ("" if it is not there).
std::string find_idx_images(const std::string& folder, bool training);
std::string find_idx_labels(const std::string& images);

/// A label for each of `images` from a text file: lines "name label" or "name,label", or one label a line in name
/// order. A label is a class index, or a name of `known_classes`. Throws DataError (with the line) if they do not
/// match.
std::vector<int> read_label_file(const std::string& path, const std::vector<std::string>& images,
                                 const std::vector<std::string>& known_classes);

}  // namespace adaq
