// What tells weights, images and settings apart: checksums, and the differences of two pieces of work. Kept beside
// results, so that they are taken up again by the same work alone.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "engine/graph/model.h"
#include "loaders/datasets/dataset.h"

namespace adaq {

/// CRC-32 of a text, in hexadecimal.
std::string crc32_text(std::string_view text);

/// CRC-32 of a tensor's values, and how many they are.
std::string fingerprint(const Tensor& tensor);

/// CRC-32 of a model's float tensors and their names, in hexadecimal.
std::string crc32_of_weights(const StoredModel& model);

/// CRC-32 of a data set's images, in hexadecimal: the names and labels of all, and of every file its size and its first
/// and last 4 KiB. `path`, where the data set was opened, is no part of it. Throws DataError for a file that cannot be
/// read.
std::string crc32_of_images(const Dataset& dataset, const std::string& path);

/// "lr 0.001, there 0.01" for each setting in which two JSON objects differ.
std::vector<std::string> differences(const nlohmann::json& here, const nlohmann::json& there);

}  // namespace adaq
