// Guards against headers that lie: an image is refused before anything is allocated for it if it has more pixels than
// anyone photographs, or many more than its bytes could encode.
#pragma once

#include <cstdint>
#include <string>

namespace adaq {

constexpr int64_t kMaxImagePixels = int64_t{1} << 28;
constexpr int64_t kMaxImageFileBytes = int64_t{1} << 30;

/// Throws DataError if height x width is empty, more than kMaxImagePixels, or more than `pixels_per_byte` for each of
/// the file's `bytes` (the format's best possible compression; small images are let through).
void check_image_size(int64_t height, int64_t width, int64_t bytes, int64_t pixels_per_byte, const std::string& name);

}  // namespace adaq
