// torch.save's two formats. Both are a pickle that describes tensors plus the raw storages they are views of; the newer
// one keeps them in a zip archive, the legacy one (before PyTorch 1.6) one after the other.
#pragma once

#include <cstddef>
#include <span>
#include <string>

#include "loaders/weights/state_dict.h"

namespace adaq {

/// Whether the bytes begin as a legacy file does: a pickle of torch's magic number.
bool is_legacy_torch(std::span<const std::byte> bytes);

/// The state dict, its tensors still in `bytes`. `key`: which of a checkpoint's, where it is not empty. DataError
/// naming `file` and the fault.
StateDict read_torch_zip(const std::string& file, std::span<const std::byte> bytes, const std::string& key);
StateDict read_torch_legacy(const std::string& file, std::span<const std::byte> bytes, const std::string& key);

}  // namespace adaq
