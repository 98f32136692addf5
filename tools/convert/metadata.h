// What adaq-convert's options add to a model: class names and how images are prepared.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "engine/graph/model.h"

namespace adaq {

struct MetadataOptions {
    std::string classes;              // a file's name; empty: leave the names as they are
    std::optional<int> resize, crop;  // pixels
    std::string interpolation;        // "bicubic"; empty: as it is
    std::string mean, std;            // "0.5,0.5,0.5"; empty: as they are
};

/// UsageError unless --mean and --std are lists of numbers (loaders/channel_values.h).
void check_usage(const MetadataOptions& options);

/// Sets what the options give, over what the model has already or, for three channels, ImageNet's mean and std. A file
/// that normalises `pixels` itself needs them, so that it gets them without an option, too. The notes come back.
/// UsageError if mean or std do not fit the network's channels; DataError if the class names do not fit its classes.
std::vector<std::string> apply(const MetadataOptions& options, bool pixels, StoredModel& model);

}  // namespace adaq
