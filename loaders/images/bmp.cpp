// BMP: pixels of 1, 4 and 8 bits with a palette, plain or in run lengths, and of 16, 24 and 32 bits.
#include <algorithm>

#include "loaders/images/bmp_header.h"

namespace adaq {

namespace {

/// Turns a row of the file into indices of a byte each.
void unpack_row(const uint8_t* from, int bits, int width, uint8_t* to) {
    const int per_byte = 8 / bits, mask = (1 << bits) - 1;
    for (int x = 0; x < width; ++x) {
        const int shift = 8 - bits * (x % per_byte + 1);
        to[x] = static_cast<uint8_t>(from[x / per_byte] >> shift & mask);
    }
}

/// Turns a row of the file into RGB.
void unpack_colours(const uint8_t* from, const BmpHeader& header, uint8_t* to) {
    if (header.bits == 16) {
        const int green_most = (1 << header.green_bits) - 1;
        for (int x = 0; x < header.width; ++x, from += 2, to += 3) {
            const int pixel = from[0] | from[1] << 8;
            to[0] = static_cast<uint8_t>((pixel >> (5 + header.green_bits) & 31) * 255 / 31);
            to[1] = static_cast<uint8_t>((pixel >> 5 & green_most) * 255 / green_most);
            to[2] = static_cast<uint8_t>((pixel & 31) * 255 / 31);
        }
        return;
    }
    const int step = header.bits / 8;
    for (int x = 0; x < header.width; ++x, from += step, to += 3)
        to[0] = from[header.red_byte], to[1] = from[header.green_byte], to[2] = from[header.blue_byte];
}

/// Rows as they stand in the file.
void read_rows(ByteSpan bytes, const std::string& name, const BmpHeader& header, Image& stored) {
    const size_t row_bytes = (int64_t{header.width} * header.bits + 7) / 8;
    const size_t needed = header.stride * (header.height - 1) + row_bytes;
    const size_t found = bytes.size() - std::min(header.pixels_at, bytes.size());
    if (found < needed)
        corrupt(name, kBmpFormat, "{} bytes of pixels, expected {} for {}x{} of them", found, needed, header.width,
                header.height);
    stored.reshape(header.height, header.width, header.bits <= 8 ? 1 : 3);
    for (int y = 0; y < header.height; ++y) {
        const uint8_t* from = bytes.data() + header.pixels_at + y * header.stride;
        if (header.bits <= 8) {
            unpack_row(from, header.bits, header.width, stored.row(y));
        } else {
            unpack_colours(from, header, stored.row(y));
        }
    }
}

void turn_over(Image& image) {
    for (int top = 0, bottom = image.height - 1; top < bottom; ++top, --bottom)
        std::swap_ranges(image.row(top), image.row(top) + image.row_bytes(), image.row(bottom));
}

void decode(ByteSpan bytes, const std::string& name, int channels, Image& out) {
    const BmpHeader header = read_bmp_header(bytes, name);
    Image stored, colours;
    if (header.compression == BmpCompression::none) {
        read_rows(bytes, name, header, stored);
    } else {
        stored.reshape(header.height, header.width, 1);
        decode_bmp_rle(bytes, name, header, stored);
    }
    if (!header.from_top) turn_over(stored);
    if (stored.channels == 3) return convert_channels(stored, channels, out);
    header.palette.apply(stored, colours);
    convert_channels(colours, channels, out);
}

bool recognises(ByteSpan bytes) { return starts_with(bytes, "BM"); }

ImageSize read_size(ByteSpan bytes, const std::string& name) {
    const BmpHeader header = read_bmp_header(bytes, name);
    return {header.height, header.width};
}

}  // namespace

const ImageFormat kBmp{recognises, read_size, decode};

}  // namespace adaq
