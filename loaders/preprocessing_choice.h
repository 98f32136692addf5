// What to do with images where neither the weights file nor an option says it (docs/arithmetic.md section 4).
#pragma once

#include <string>
#include <vector>

#include "engine/graph/model.h"
#include "loaders/datasets/dataset.h"

namespace adaq {

struct PreprocessingChoice {
    Preprocessing preprocessing;
    std::string sentence;  // for the log: what was chosen, and why
};

/// If all images of all these data sets have one size they are used as they are. If fewer than 95 of 100 share a size:
/// Resize 256 and CenterCrop 224. In between, one image would change what becomes of all: DataError that names the
/// first one of another size. Reads headers only, and no more than it takes to see that sizes differ widely. mean and
/// std are taken from `base`. Throws DataError for an image that cannot be read.
PreprocessingChoice choose_preprocessing(const std::vector<const Dataset*>& datasets, const Preprocessing& base = {});

}  // namespace adaq
