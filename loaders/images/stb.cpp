// See stb.h. JPEG never goes to stb_image: its decoder rounds differently from libjpeg.
#include "loaders/images/stb.h"

#include <algorithm>
#include <memory>

#include "engine/error.h"
#include "loaders/images/colour.h"
#include "loaders/images/limits.h"

#define STB_IMAGE_IMPLEMENTATION
#define STB_IMAGE_STATIC
#define STBI_ONLY_PNG
#define STBI_ONLY_BMP
#define STBI_ONLY_GIF
#define STBI_ONLY_PNM
#define STBI_NO_STDIO
#define STBI_MAX_DIMENSIONS (1 << 20)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-function"
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"
#include <stb/stb_image.h>
#pragma GCC diagnostic pop

namespace adaq {

namespace {

// The best that deflate (1032 bytes from one, 8 pixels a byte) and GIF's LZW (less) can do.
constexpr int64_t kMaxPixelsPerByte = 1032 * 8;

struct FreePixels {
    void operator()(void* pixels) const { stbi_image_free(pixels); }
};
template <typename T>
using Pixels = std::unique_ptr<T[], FreePixels>;

struct Source {
    const stbi_uc* data;
    int count;
};

Source source_of(std::span<const uint8_t> bytes) { return {bytes.data(), static_cast<int>(bytes.size())}; }

[[noreturn]] void fail(const std::string& name) {
    const char* reason = stbi_failure_reason();
    data_error("{}: corrupt image file ({})", name, reason != nullptr ? reason : "unknown reason");
}

/// Pillow's 16-bit grey becomes 8-bit by saturation. Returns false if the image is not of that kind.
bool decode_grey16(Source source, const std::string& name, int components, Image& grey) {
    if (components != 1 || stbi_is_16_bit_from_memory(source.data, source.count) == 0) return false;
    int width = 0, height = 0;
    const Pixels<stbi_us> pixels(stbi_load_16_from_memory(source.data, source.count, &width, &height, &components, 1));
    if (!pixels) fail(name);
    grey.reshape(height, width, 1);
    for (size_t i = 0; i < grey.pixels.size(); ++i)
        grey.pixels[i] = static_cast<uint8_t>(std::min<int>(pixels[i], 255));
    return true;
}

/// Drops alpha: grey and alpha -> grey, RGBA -> RGB.
void copy_without_alpha(const stbi_uc* from, int components, Image& out) {
    const size_t step = static_cast<size_t>(components), kept = static_cast<size_t>(out.channels);
    const size_t count = out.pixels.size() / kept;
    for (size_t i = 0; i < count; ++i) std::copy_n(from + i * step, kept, out.pixels.data() + i * kept);
}

}  // namespace

std::optional<ImageSize> read_stb_size(std::span<const uint8_t> bytes) {
    int width = 0, height = 0, components = 0;
    const Source source = source_of(bytes);
    if (stbi_info_from_memory(source.data, source.count, &width, &height, &components) == 0) return std::nullopt;
    return ImageSize{height, width};
}

void decode_with_stb(std::span<const uint8_t> bytes, const std::string& name, int channels, Image& out) {
    const Source source = source_of(bytes);
    int width = 0, height = 0, components = 0;
    if (stbi_info_from_memory(source.data, source.count, &width, &height, &components) == 0) fail(name);
    check_image_size(height, width, source.count, kMaxPixelsPerByte, name);

    Image native;  // 1 or 3 channels, whatever the file has
    if (!decode_grey16(source, name, components, native)) {
        const Pixels<stbi_uc> pixels(stbi_load_from_memory(source.data, source.count, &width, &height, &components, 0));
        if (!pixels) fail(name);
        native.reshape(height, width, components >= 3 ? 3 : 1);
        copy_without_alpha(pixels.get(), components, native);
    }
    if (native.channels == channels) {
        out = std::move(native);
        return;
    }
    out.reshape(height, width, channels);
    const size_t count = static_cast<size_t>(height) * static_cast<size_t>(width);
    if (channels == 1) {
        rgb_to_grey(native.pixels.data(), count, out.pixels.data());
    } else {
        grey_to_rgb(native.pixels.data(), count, out.pixels.data());
    }
}

}  // namespace adaq
