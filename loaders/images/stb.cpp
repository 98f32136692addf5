// See stb.h. JPEG never goes to stb_image: its decoder rounds differently from libjpeg.
#include "loaders/images/stb.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <memory>

#include "engine/error.h"
#include "loaders/images/colour.h"
#include "loaders/images/limits.h"

// stb_image copies nothing to or from a null pointer where a file has an empty chunk, which the language forbids.
static void* copy_bytes(void* to, const void* from, size_t count) {
    return count == 0 ? to : std::memcpy(to, from, count);
}

#define memcpy copy_bytes
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
#undef memcpy

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

/// Pillow's 16-bit grey becomes 8-bit by saturation.
Image decode_grey16(Source source, const std::string& name) {
    Image grey;
    int width = 0, height = 0, components = 0;
    const Pixels<stbi_us> pixels(stbi_load_16_from_memory(source.data, source.count, &width, &height, &components, 1));
    if (!pixels) fail(name);
    grey.reshape(height, width, 1);
    for (size_t i = 0; i < grey.pixels.size(); ++i)
        grey.pixels[i] = static_cast<uint8_t>(std::min<int>(pixels[i], 255));
    return grey;
}

/// 8 bits, without alpha: grey and alpha -> grey, RGBA -> RGB.
Image decode_colours(Source source, const std::string& name) {
    Image image;
    int width = 0, height = 0, components = 0;
    const Pixels<stbi_uc> pixels(stbi_load_from_memory(source.data, source.count, &width, &height, &components, 0));
    if (!pixels) fail(name);
    image.reshape(height, width, components >= 3 ? 3 : 1);
    const size_t step = static_cast<size_t>(components), kept = static_cast<size_t>(image.channels);
    const size_t count = image.pixels.size() / kept;
    for (size_t i = 0; i < count; ++i) std::copy_n(pixels.get() + i * step, kept, image.pixels.data() + i * kept);
    return image;
}

bool is_grey16(Source source) {
    int width = 0, height = 0, components = 0;
    return stbi_is_16_bit_from_memory(source.data, source.count) != 0 &&
           stbi_info_from_memory(source.data, source.count, &width, &height, &components) != 0 && components == 1;
}

}  // namespace

std::optional<ImageSize> read_stb_size(std::span<const uint8_t> bytes, const std::string& name) {
    int width = 0, height = 0, components = 0;
    const Source source = source_of(bytes);
    if (stbi_info_from_memory(source.data, source.count, &width, &height, &components) == 0) return std::nullopt;
    const int64_t rows = std::abs(int64_t{height});  // negative for a BMP that is stored from the top
    check_image_size(rows, width, source.count, kMaxPixelsPerByte, name);
    return ImageSize{static_cast<int>(rows), width};
}

/// stb_image does not mind a Netpbm file that ends before its pixels do.
static void check_netpbm_is_whole(std::span<const uint8_t> bytes, const std::string& name) {
    if (bytes.size() < 2 || bytes[0] != 'P') return;
    int width = 0, height = 0, components = 0;
    const Source source = source_of(bytes);
    if (stbi_info_from_memory(source.data, source.count, &width, &height, &components) == 0) return;
    const int64_t sample = stbi_is_16_bit_from_memory(source.data, source.count) ? 2 : 1;
    const int64_t needed = int64_t{width} * height * components * sample;
    if (source.count < needed) data_error("{}: {} bytes, too few for {}x{} pixels", name, source.count, width, height);
}

void decode_with_stb(std::span<const uint8_t> bytes, const std::string& name, int channels, Image& out) {
    const auto size = read_stb_size(bytes, name);  // and so its checks, before anything is allocated
    if (!size) fail(name);
    check_netpbm_is_whole(bytes, name);
    const Source source = source_of(bytes);
    Image native = is_grey16(source) ? decode_grey16(source, name) : decode_colours(source, name);
    if (native.size() != *size) data_error("{}: corrupt image file (contradictory sizes)", name);
    if (native.channels == channels) {
        out = std::move(native);
        return;
    }
    out.reshape(size->height, size->width, channels);
    const size_t count = static_cast<size_t>(size->height) * static_cast<size_t>(size->width);
    if (channels == 1) {
        rgb_to_grey(native.pixels.data(), count, out.pixels.data());
    } else {
        grey_to_rgb(native.pixels.data(), count, out.pixels.data());
    }
}

}  // namespace adaq
