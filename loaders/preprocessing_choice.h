// What to do with images where neither the weights file nor an option says it (docs/arithmetic.md section 4).
#pragma once

#include <string>
#include <vector>

#include "engine/model.h"
#include "loaders/datasets/dataset.h"

namespace adaq {

struct PreprocessingChoice {
    Preprocessing preprocessing;
    std::string sentence;  // for the log: what was chosen, and why
};

/// If all images of all these data sets have one size they are used as they are; else Resize 256 and CenterCrop 224.
/// Reads headers only, up to the first image that differs. mean and std are taken from `base`. Throws DataError.
PreprocessingChoice choose_preprocessing(const std::vector<const Dataset*>& datasets, const Preprocessing& base = {});

}  // namespace adaq
