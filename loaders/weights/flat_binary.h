// The flat binary (weights/FORMAT.md): reading it from mapped bytes. Writing is save_bin() of weights.h.
#pragma once

#include <cstddef>
#include <span>
#include <string>

#include "engine/graph/model.h"

namespace adaq {

/// Reads a file that begins with the magic, checking everything before use. DataError naming `file` and the fault.
StoredModel read_flat_binary(const std::string& file, std::span<const std::byte> bytes);

}  // namespace adaq
