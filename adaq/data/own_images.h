// A caller's own images (adaq/options.h: OwnImages) as a data set.
#pragma once

#include <memory>
#include <string>

#include "adaq/options.h"
#include "loaders/datasets/dataset.h"

namespace adaq {

/// channels: of the network's input. label_offset: added to the labels. name: the option, for errors. Throws UsageError
/// where the images are not whole: no size, neither `pixels` nor `inputs`, or both, labels of another number.
std::unique_ptr<Dataset> own_image_set(OwnImages images, int channels, int label_offset, const std::string& name);

/// CRC-32 of such a data set, in hexadecimal: of sizes, pixels or inputs, and labels.
std::string crc32_of_own_images(const Dataset& dataset, int channels);

}  // namespace adaq
