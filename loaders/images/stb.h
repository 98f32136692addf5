// The formats that stb_image reads (PNG, BMP, GIF's first frame, PNM), with Pillow's conversions: alpha is dropped, not
// blended; 16-bit colour keeps its high byte; 16-bit grey saturates at 255.
#pragma once

#include <optional>

#include "loaders/images/image.h"

namespace adaq {

/// Height and width, or nothing if the header is not one of a known format. Throws DataError if they are absurd.
std::optional<ImageSize> read_stb_size(std::span<const uint8_t> bytes, const std::string& name);

/// Decodes into 1 (grey) or 3 (RGB) channels. Throws DataError.
void decode_with_stb(std::span<const uint8_t> bytes, const std::string& name, int channels, Image& out);

}  // namespace adaq
