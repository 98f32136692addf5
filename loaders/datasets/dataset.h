// A data set: images that can be opened by number, in a fixed order, from any thread, with labels where there are any.
// open_dataset() finds out what a path holds:
//   class folders   DIR/<class>/.../<image>: torchvision's ImageFolder order (classes, folders and files sorted
//   bytewise) flat folder     DIR/<image> or DIR/images/<image> in name order, with labels from labels.txt or
//   labels.csv in DIR,
//                   Tiny-ImageNet's val_annotations.txt in it or above, ILSVRC's LOC_val_solution.csv in it or further
//                   above, or a given file; or without
//   parts           a folder whose folders are train, val, test: calibration takes train, validation val or test
//   IDX             MNIST's format, gzipped or not: a folder with train-images-idx3-ubyte and t10k-images-idx3-ubyte,
//                   "DIR:train" or "DIR:test", or one images file, whose labels file lies beside it
#pragma once

#include <compare>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "loaders/datasets/class_names.h"
#include "loaders/images/reader.h"

namespace adaq {

/// What a data set's labels follow from.
enum class LabelSource {
    none,
    numbers,     // class indices in a file
    places,      // the order of class folders, or of the names in a label file (ClassOrder)
    model_names  // names of classes in DatasetOptions::class_names
};

class Dataset {
  public:
    virtual ~Dataset() = default;

    virtual int64_t size() const = 0;

    /// The class of an item, or kNoLabel.
    virtual int label(int64_t item) const = 0;
    virtual LabelSource label_source() const = 0;
    bool has_labels() const { return label_source() != LabelSource::none; }
    /// By class index; empty where classes have no names.
    virtual const std::vector<std::string>& class_names() const = 0;

    /// What an error message calls the item: its path, or "train-images-idx3-ubyte.gz, image 12".
    virtual std::string item_name(int64_t item) const = 0;
    /// One line for a log: "5050 images in 202 class folders of DIR".
    virtual std::string describe() const = 0;

    /// Opens an item in the calling thread's own reader; may be called from several threads. Throws DataError.
    virtual void open(int64_t item, ImageReader& reader) const = 0;
    /// Height and width, from the header alone. Throws DataError.
    virtual ImageSize image_size(int64_t item) const = 0;

    /// Whether items are a network's inputs already (HWC, normalised): then no preprocessing applies, write_input() is
    /// called and not open().
    virtual bool holds_inputs() const { return false; }
    virtual void write_input(int64_t /*item*/, std::span<float> /*input*/) const {}

    static constexpr int kNoLabel = -1;
};

enum class DatasetRole {
    calibration,  // labels are welcome but not needed; of an IDX folder the training part
    validation    // labels are needed; of an IDX folder the test part
};

struct DatasetOptions {
    DatasetRole role = DatasetRole::validation;
    std::string label_file{};                // for a flat folder; empty: for validation, what is found (see above)
    std::vector<std::string> class_names{};  // the model's, if known: label files may then use names, class folders of
                                             // these names get the model's indices even if some are missing
    std::vector<std::string> other_class_names{};  // another data set's, by class: where the model's do not tell
    int classes = 0;                               // the model's; 0: unknown
    std::optional<ClassOrder> class_order{};       // of class folders; empty: class_names where they tell, else text
    int label_offset = 0;                          // added to class indices in files and to places

    auto operator<=>(const DatasetOptions&) const = default;
};

/// Throws DataError if there is nothing usable at `path`: no such path, unreadable, empty, images and folders mixed,
/// a class folder without images, labels that do not match the images; validation without labels.
std::unique_ptr<Dataset> open_dataset(const std::string& path, const DatasetOptions& options = {});

/// The class folders that a data set has at `path`, by class; empty if it is of another kind. Throws DataError if a
/// folder cannot be read.
std::vector<std::string> class_folder_names(const std::string& path, const DatasetOptions& options);

/// Throws DataError unless every label is below `classes` (and class folders are as many, unless matched by name).
void check_labels(const Dataset& dataset, int classes);

/// Throws DataError if a calibration set has fewer than `count` images; count < 1 is a usage error.
void check_calibration_count(const Dataset& dataset, int64_t count);

/// The items of a calibration set (docs/arithmetic.md section 4): with labels, one image of each class in turn (classes
/// in order, images in order); else the first ones. Throws as check_calibration_count() does.
std::vector<int64_t> calibration_order(const Dataset& dataset, int64_t count);

/// 0, 1, 2, ...: the first `count` items, or all of them if count is 0 or more than there are.
std::vector<int64_t> validation_order(const Dataset& dataset, int64_t count = 0);

}  // namespace adaq
