// torch.save's two formats. Both are a pickle that describes tensors plus the raw storages they are views of; the newer
// one keeps them in a zip archive, the legacy one (before PyTorch 1.6) one after the other.
#pragma once

#include <cstddef>
#include <span>
#include <string>

#include "loaders/weights/raw_tensor.h"

namespace adaq {

/// Whether the bytes begin as a legacy file does: a pickle of torch's magic number.
bool is_legacy_torch(std::span<const std::byte> bytes);

/// The state dict's tensors, still in `bytes`. DataError naming `file` and the fault.
RawTensors read_torch_zip(const std::string& file, std::span<const std::byte> bytes);
RawTensors read_torch_legacy(const std::string& file, std::span<const std::byte> bytes);

}  // namespace adaq
