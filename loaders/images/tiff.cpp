// TIFF through libtiff: the first image. As in Pillow's conversions alpha is dropped, 16-bit colours keep their high
// byte, 16-bit greys are cut off at 255, and the orientation is applied. Compiled only where CMake has found libtiff.
#include <algorithm>
#include <cstring>
#include <memory>

#include "loaders/images/colour.h"
#include "loaders/images/tiff_file.h"

namespace adaq {

namespace {

/// Sample i of a row, as 8 bits. Samples of fewer bits are as they are; of 16, the high byte.
uint8_t sample_of(const uint8_t* row, size_t i, int bits) {
    if (bits == 8) return row[i];
    if (bits == 16) {
        uint16_t wide = 0;
        std::memcpy(&wide, row + 2 * i, sizeof(wide));
        return static_cast<uint8_t>(wide >> 8);
    }
    const size_t per_byte = 8 / bits;
    const int shift = 8 - bits * static_cast<int>(i % per_byte + 1);
    return static_cast<uint8_t>(row[i / per_byte] >> shift & ((1 << bits) - 1));
}

[[noreturn]] void refuse(const TiffLayout& layout, const std::string& name) {
    unsupported(name, kTiffFormat, "of photometric interpretation {}, {} samples of {} bits (format {}){}",
                layout.photometric, layout.samples, layout.bits, layout.sample_format,
                layout.separate ? " in separate planes" : "");
}

/// How the samples that are colours become an image.
class Conversion {
  public:
    Conversion(TiffFile& file, const std::string& name) : file_(file), layout_(file.layout()), name_(name) {
        check();
        const int planes = layout_.separate ? colours_ : 1;
        for (int plane = 0; plane < planes; ++plane) planes_.push_back(file.read_plane(plane));
    }

    Image run() const {
        switch (layout_.photometric) {
            case PHOTOMETRIC_PALETTE:
                return palette();
            case PHOTOMETRIC_MINISBLACK:
            case PHOTOMETRIC_MINISWHITE:
                return layout_.bits == 16 ? wide_grey() : grey();
            case PHOTOMETRIC_SEPARATED:
                return inks();
            default:
                return rgb();
        }
    }

  private:
    /// Refuses what Pillow does not read, and what it reads by guessing.
    void check() {
        const int bits = layout_.bits;
        const bool narrow = bits == 1 || bits == 2 || bits == 4;
        bool read = layout_.sample_format == SAMPLEFORMAT_UINT && (narrow || bits == 8 || bits == 16);
        switch (layout_.photometric) {
            case PHOTOMETRIC_MINISWHITE:
                read = read && layout_.samples == 1 && (bits != 16 || !file_.is_big_endian());
                break;
            case PHOTOMETRIC_MINISBLACK:
            case PHOTOMETRIC_PALETTE:
                read = read && (layout_.samples == 1 || (layout_.samples == 2 && bits == 8 && knows_extra(1))) &&
                       !is_premultiplied() && (bits != 16 || layout_.photometric == PHOTOMETRIC_MINISBLACK);
                break;
            case PHOTOMETRIC_RGB:
                colours_ = 3;
                read = read && !narrow && knows_extra(3);
                break;
            case PHOTOMETRIC_SEPARATED:
                colours_ = 4;
                read = read && !narrow && knows_extra(4) && (layout_.extra.empty() || layout_.extra[0] == 0);
                break;
            case PHOTOMETRIC_YCBCR:  // libtiff makes RGB of it
                colours_ = 3;
                read = read && bits == 8 && layout_.samples == 3 && layout_.compression == COMPRESSION_JPEG &&
                       !layout_.separate;
                break;
            default:
                read = false;
        }
        if (layout_.separate && (bits != 8 || is_premultiplied())) read = false;
        if (!read) refuse(layout_, name_);
    }

    /// Whether samples beyond the colours are alpha, or nothing. Some files do not say that their fourth is alpha.
    bool knows_extra(int colours) const {
        constexpr uint16_t kCorel = 999;  // alpha
        const auto& extra = layout_.extra;
        const int beyond = layout_.samples - colours;
        if (extra.empty()) return beyond == 0 || (beyond == 1 && colours == 3);
        const bool known = extra[0] <= EXTRASAMPLE_UNASSALPHA || extra[0] == kCorel;
        const bool nothing_else = std::all_of(extra.begin() + 1, extra.end(), [](uint16_t kind) { return kind == 0; });
        return known && nothing_else && beyond == static_cast<int>(extra.size()) &&
               beyond <= (layout_.bits == 8 ? 3 : 1);
    }

    bool is_premultiplied() const { return !layout_.extra.empty() && layout_.extra[0] == EXTRASAMPLE_ASSOCALPHA; }

    const uint8_t* row(int plane, int y) const { return planes_[plane].data() + y * file_.row_bytes(); }

    /// Colours of every pixel, without what else it has.
    Image colours() const {
        Image image;
        image.reshape(layout_.height, layout_.width, colours_);
        const int64_t samples = layout_.separate ? 1 : layout_.samples;
        for (int y = 0; y < image.height; ++y) {
            uint8_t* to = image.row(y);
            for (int64_t x = 0; x < image.width; ++x)
                for (int c = 0; c < colours_; ++c)
                    *to++ = layout_.separate ? sample_of(row(c, y), x, layout_.bits)
                                             : sample_of(row(0, y), x * samples + c, layout_.bits);
        }
        return image;
    }

    Image grey() const {
        Image image = colours();
        const int most = (1 << std::min(layout_.bits, 8)) - 1;
        for (uint8_t& pixel : image.pixels) {
            pixel = static_cast<uint8_t>(pixel * (255 / most));
            if (layout_.photometric == PHOTOMETRIC_MINISWHITE) pixel = static_cast<uint8_t>(255 - pixel);
        }
        return image;
    }

    /// Pillow takes such values as they are, whatever white is.
    Image wide_grey() const {
        Image image;
        image.reshape(layout_.height, layout_.width, 1);
        for (int y = 0; y < image.height; ++y)
            for (int x = 0; x < image.width; ++x) {
                uint16_t value = 0;
                std::memcpy(&value, row(0, y) + ptrdiff_t{2} * x, sizeof(value));
                image.row(y)[x] = static_cast<uint8_t>(std::min<int>(value, 255));
            }
        return image;
    }

    Image palette() const {
        const std::array<const uint16_t*, 3> map = file_.palette();
        Palette palette;
        for (size_t i = 0; i < size_t{1} << layout_.bits; ++i)
            palette.add(static_cast<uint8_t>(map[0][i] >> 8), static_cast<uint8_t>(map[1][i] >> 8),
                        static_cast<uint8_t>(map[2][i] >> 8));
        Image image;
        palette.apply(colours(), image);
        return image;
    }

    Image inks() const {
        const Image inks = colours();
        Image image;
        image.reshape(inks.height, inks.width, 3);
        cmyk_to_rgb(inks.pixels.data(), inks.pixels.size() / 4, image.pixels.data());
        return image;
    }

    Image rgb() const {
        Image image = colours();
        if (!is_premultiplied()) return image;
        const int64_t samples = layout_.samples;
        for (int y = 0; y < image.height; ++y)
            for (int64_t x = 0; x < image.width; ++x) {
                const int alpha = sample_of(row(0, y), x * samples + 3, layout_.bits);
                uint8_t* pixel = image.row(y) + 3 * x;
                for (int c = 0; c < 3; ++c)
                    pixel[c] = static_cast<uint8_t>(alpha == 0 ? 0 : std::min(pixel[c] * 255 / alpha, 255));
            }
        return image;
    }

    TiffFile& file_;
    const TiffLayout& layout_;
    const std::string& name_;
    int colours_ = 1;
    std::vector<std::vector<uint8_t>> planes_;
};

/// The image as it is to be looked at. Orientations 1 ... 8 say where the stored first row and column belong.
Image turned(Image&& stored, int orientation) {
    if (orientation <= ORIENTATION_TOPLEFT || orientation > ORIENTATION_LEFTBOT) return std::move(stored);
    const bool swapped = orientation >= ORIENTATION_LEFTTOP;
    const bool from_right = orientation == ORIENTATION_TOPRIGHT || orientation == ORIENTATION_BOTRIGHT ||
                            orientation == ORIENTATION_RIGHTTOP || orientation == ORIENTATION_RIGHTBOT;
    const bool from_bottom = orientation == ORIENTATION_BOTRIGHT || orientation == ORIENTATION_BOTLEFT ||
                             orientation == ORIENTATION_RIGHTBOT || orientation == ORIENTATION_LEFTBOT;
    Image image;
    image.reshape(swapped ? stored.width : stored.height, swapped ? stored.height : stored.width, stored.channels);
    for (int y = 0; y < image.height; ++y) {
        uint8_t* to = image.row(y);
        for (int x = 0; x < image.width; ++x) {
            const int down = from_bottom ? image.height - 1 - y : y, right = from_right ? image.width - 1 - x : x;
            const ptrdiff_t column = swapped ? down : right;
            const uint8_t* from = stored.row(swapped ? right : down) + column * stored.channels;
            std::copy_n(from, stored.channels, to);
            to += image.channels;
        }
    }
    return image;
}

void decode(ByteSpan bytes, const std::string& name, int channels, Image& out) {
    TiffFile file(bytes, name);
    Image image = turned(Conversion(file, name).run(), file.layout().orientation);
    convert_channels(image, channels, out);
}

bool recognises(ByteSpan bytes) {
    using namespace std::string_view_literals;
    return starts_with(bytes, "II*\0"sv) || starts_with(bytes, "MM\0*"sv) || starts_with(bytes, "II+\0"sv) ||
           starts_with(bytes, "MM\0+"sv);
}

ImageSize read_size(ByteSpan bytes, const std::string& name) {
    const TiffFile file(bytes, name);
    const TiffLayout& layout = file.layout();
    return layout.is_turned() ? ImageSize{layout.width, layout.height} : ImageSize{layout.height, layout.width};
}

}  // namespace

const ImageFormat kTiff{recognises, read_size, decode};

}  // namespace adaq
