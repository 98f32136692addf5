// A decoded image of 8-bit pixels, and the plain way to get one: decode_image(). The pixels are those that Pillow's
// Image.open(path).convert("RGB") (channels = 3) or .convert("L") (channels = 1) gives, which is what torchvision's
// ImageFolder feeds to a network; the EXIF orientation is ignored, as there (but a TIFF file's own is not).
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace adaq {

struct ImageSize {
    int height = 0, width = 0;  // pixels

    int64_t pixels() const { return int64_t{height} * width; }
    bool operator==(const ImageSize&) const = default;
};

/// A rectangle of pixels: rows y ... y + height - 1, columns x ... x + width - 1.
struct Rectangle {
    int y = 0, x = 0, height = 0, width = 0;

    bool operator==(const Rectangle&) const = default;
};

/// 8-bit pixels in HWC order (rows top to bottom, channels interleaved), without padding.
struct Image {
    int height = 0, width = 0, channels = 0;
    std::vector<uint8_t> pixels;  // height * width * channels of them

    ImageSize size() const { return {height, width}; }
    size_t row_bytes() const { return int64_t{width} * channels; }
    uint8_t* row(int y) { return pixels.data() + y * row_bytes(); }
    const uint8_t* row(int y) const { return pixels.data() + y * row_bytes(); }

    /// Takes a new shape; the pixels are left as they happen to be. Memory is kept for reuse.
    void reshape(int new_height, int new_width, int new_channels) {
        height = new_height, width = new_width, channels = new_channels;
        pixels.resize(height * row_bytes());
    }
};

/// Decodes a JPEG, PNG, BMP, GIF (first frame), PNM, WebP or TIFF file (the last two where the build has libwebp and
/// libtiff) into `channels` (1: grey, 3: RGB) channels. Throws DataError, naming the file, if it cannot be read, is
/// truncated, corrupt, absurdly large or of another format.
Image decode_image(const std::string& path, int channels);

/// The same from memory; `name` stands for the file in error messages.
Image decode_image(std::span<const uint8_t> bytes, const std::string& name, int channels);

/// Height and width from the file's header, without decoding. Throws DataError as above.
ImageSize read_image_size(const std::string& path);

}  // namespace adaq
