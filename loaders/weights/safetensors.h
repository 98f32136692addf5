// The .safetensors format: u64 length, a JSON header of that length, then the tensors without gaps.
#pragma once

#include <cstddef>
#include <span>
#include <string>

#include "loaders/weights/network_name.h"
#include "loaders/weights/weights.h"

namespace adaq {

/// Whether the bytes begin like such a file: a length, then '{'.
bool is_safetensors(std::span<const std::byte> bytes);

/// Reads a state dict, and what adaq's own files carry in their metadata (preprocessing, class names). arch: as in
/// find_weights(); beside: the network by a file beside it, where this one says nothing. DataError naming `file` and
/// the fault.
FoundModel read_safetensors(const std::string& file, std::span<const std::byte> bytes, const std::string& arch,
                            const NamedNetwork& beside);

inline constexpr const char* kPreprocessingKey = "adaq.preprocessing";  // metadata: JSON as in the flat binary
inline constexpr const char* kClassesKey = "adaq.classes";              // metadata: {"classes": [...]}

/// Puts an entry of a file's metadata into the model, whose graph is there: preprocessing, class names; nothing under
/// any other key. ONNX files have the same. DataError naming `file` and the fault.
void take_metadata(const std::string& file, const std::string& key, const std::string& text, StoredModel& model);

}  // namespace adaq
