// See limits.h.
#include "loaders/images/limits.h"

#include "engine/error.h"

namespace adaq {

namespace {
constexpr int64_t kSmallImagePixels = int64_t{1} << 20;  // cheap enough to let the decoder find out
}

void check_image_size(int64_t height, int64_t width, int64_t bytes, int64_t pixels_per_byte, const std::string& name) {
    if (height <= 0 || width <= 0)
        data_error("{}: an image of {}x{} pixels, expected at least 1x1", name, width, height);
    if (height > kMaxImagePixels / width) {
        data_error("{}: an image of {}x{} pixels, expected at most 2^28 in all", name, width, height);
    }
    const int64_t pixels = height * width;
    if (pixels > kSmallImagePixels && pixels / pixels_per_byte > bytes) {
        data_error("{}: the header says {}x{} pixels, which {} bytes cannot hold", name, width, height, bytes);
    }
}

}  // namespace adaq
