// From the named tensors of a checkpoint to a Model: names made torchvision's, architecture read off, values converted.
#pragma once

#include <string>

#include "engine/model.h"
#include "loaders/weights/raw_tensor.h"

namespace adaq {

/// Strips prefixes that all names share ("module.", "_orig_mod.", "model."), drops what inference has no use for
/// (num_batches_tracked), and converts. `file_bytes` bounds the memory taken. DataError naming `file` and the tensor.
Model model_of_state_dict(const std::string& file, RawTensors tensors, size_t file_bytes);

}  // namespace adaq
