// Label files of flat folders.
#pragma once

#include <string>
#include <vector>

#include "loaders/datasets/dataset.h"

namespace adaq {

/// A label for each of a folder's images, and where it comes from.
struct FileLabels {
    std::vector<int> labels;
    LabelSource source = LabelSource::numbers;
    std::vector<std::string> class_names;  // by class; empty where they have none
};

/// Whether every line of a label file must be about an image of the folder, or the file is a list of a whole data set
/// of which the folder may hold a part.
enum class LabelLines { of_this_folder, of_a_data_set };

/// Reads a label for each of `images` (file names in order). A line is
///   a name and a label, with a tab, comma, semicolon or blanks between; the name may lack the extension, the label may
///   have boxes behind it (val_annotations.txt, LOC_val_solution.csv); a header line may say which field is which; or
///   a label alone, one for each image in order.
/// A label is a class number, less what --label-offset says, or a class name: of the model, else of
/// `options.other_class_names`, else of the file's own names, in order, if they are as many as the model's classes.
/// Throws DataError, with the line, if they do not match.
FileLabels read_label_file(const std::string& path, LabelLines lines, const std::vector<std::string>& images,
                           const DatasetOptions& options);

}  // namespace adaq
