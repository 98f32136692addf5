// PNG through libpng. As in Pillow's conversions alpha is dropped and not blended, 16-bit colours keep their high byte,
// 16-bit greys are cut off at 255, and indices beyond the palette are black. Of an animation it is the still image.
// Wrong checksums and files that end before their IEND chunk are refused.
//
// libpng reports an error by a callback that must not return; ours jumps back to guarded(), the only place with a
// setjmp. What runs under it is C calls and trivial locals, so that no destructor is ever jumped over; the C++
// exception is thrown afterwards.
#include <png.h>

#include <algorithm>
#include <csetjmp>
#include <cstdio>
#include <cstring>

#include "loaders/images/byte_reader.h"
#include "loaders/images/colour.h"
#include "loaders/images/limits.h"

namespace adaq {

namespace {

constexpr const char* kFormat = "PNG";
constexpr std::string_view kSignature = "\x89PNG\r\n\x1a\n";
// The best that deflate can do (1032 bytes from one), 8 pixels a byte.
constexpr int64_t kMaxPixelsPerByte = int64_t{1032} * 8;
constexpr int kReadFailed = -1;

// Chunks that say nothing about pixels as Pillow takes them: passed over, so that nothing in them can fail.
constexpr png_byte kIgnored[] =
    "bKGD\0cHRM\0eXIf\0gAMA\0hIST\0iCCP\0iTXt\0oFFs\0pCAL\0pHYs\0sBIT\0sCAL\0sPLT\0sRGB\0tEXt\0tIME\0tRNS\0zTXt";
constexpr int kIgnoredCount = sizeof(kIgnored) / 5;

ImageSize read_size(ByteSpan bytes, const std::string& name) {
    ByteReader reader(bytes, name, kFormat);
    const ByteSpan header = reader.take(kSignature.size() + 16, "header");
    if (!starts_with(header, "IHDR", kSignature.size() + 4)) corrupt(name, kFormat, "no IHDR chunk at its start");
    const auto extent = [&](size_t at) {
        return int64_t{u16_big(header.data() + at)} << 16 | u16_big(header.data() + at + 2);
    };
    const int64_t width = extent(16), height = extent(20);
    check_image_size(height, width, static_cast<int64_t>(bytes.size()), kMaxPixelsPerByte, name);
    return {static_cast<int>(height), static_cast<int>(width)};
}

/// libpng reading one image.
class Reader {
  public:
    Reader(ByteSpan bytes, const std::string& name) : rest_(bytes), name_(name) {
        png_ = png_create_read_struct(PNG_LIBPNG_VER_STRING, this, on_error, on_warning);
        info_ = png_ == nullptr ? nullptr : png_create_info_struct(png_);
        if (info_ == nullptr) {
            png_destroy_read_struct(&png_, nullptr, nullptr);
            throw std::bad_alloc();
        }
    }
    ~Reader() { png_destroy_read_struct(&png_, &info_, nullptr); }
    Reader(const Reader&) = delete;
    Reader& operator=(const Reader&) = delete;

    /// Samples as they stand in the file, of `depth` bits (at least 8), `channels` a pixel.
    struct Raw {
        int depth = 0, channels = 0;
        bool is_palette = false;
        size_t row_bytes = 0;
        std::vector<uint8_t> samples;
    };

    Raw read(ImageSize size) {
        guarded([&] { read_header(); });
        Raw raw;
        raw.depth = png_get_bit_depth(png_, info_);
        raw.channels = png_get_channels(png_, info_);
        raw.is_palette = png_get_color_type(png_, info_) == PNG_COLOR_TYPE_PALETTE;
        raw.row_bytes = png_get_rowbytes(png_, info_);
        if (png_get_image_height(png_, info_) != static_cast<png_uint_32>(size.height) ||
            png_get_image_width(png_, info_) != static_cast<png_uint_32>(size.width))
            corrupt(name_, kFormat, "two headers that contradict each other");
        raw.samples.resize(raw.row_bytes * size.height);
        guarded([&] {
            for (int pass = 0; pass < passes_; ++pass) {
                png_bytep row = raw.samples.data();
                for (int y = 0; y < size.height; ++y, row += raw.row_bytes) png_read_row(png_, row, nullptr);
            }
            png_read_end(png_, nullptr);
        });
        return raw;
    }

    Palette palette() {
        png_colorp colours = nullptr;
        int count = 0;
        Palette palette;
        if (png_get_PLTE(png_, info_, &colours, &count) == 0) corrupt(name_, kFormat, "no palette");
        for (int i = 0; i < count; ++i) palette.add(colours[i].red, colours[i].green, colours[i].blue);
        return palette;
    }

  private:
    void read_header() {
        png_set_read_fn(png_, this, on_read);
        png_set_crc_action(png_, PNG_CRC_ERROR_QUIT, PNG_CRC_ERROR_QUIT);
        png_set_keep_unknown_chunks(png_, PNG_HANDLE_CHUNK_NEVER, kIgnored, kIgnoredCount);
        png_set_user_limits(png_, 0x7FFFFFFF, 0x7FFFFFFF);
        png_set_chunk_malloc_max(png_, 0);  // what is large is passed over; nothing is kept
        png_set_check_for_invalid_index(png_, 0);
        png_read_info(png_, info_);
        if (png_get_color_type(png_, info_) == PNG_COLOR_TYPE_GRAY) png_set_expand_gray_1_2_4_to_8(png_);
        png_set_packing(png_);
        passes_ = png_set_interlace_handling(png_);
        png_read_update_info(png_, info_);
    }

    /// Runs libpng calls; throws DataError with libpng's message if one of them fails.
    template <typename Calls>
    void guarded(const Calls& calls) {
        if (setjmp(jump_) == 0) {
            calls();
            return;
        }
        corrupt(name_, kFormat, "{}", message_);
    }

    [[noreturn]] static void on_error(png_structp png, png_const_charp message) {
        auto& reader = *static_cast<Reader*>(png_get_error_ptr(png));
        std::snprintf(reader.message_, sizeof(reader.message_), "%s", message);
        std::longjmp(reader.jump_, kReadFailed);
    }

    /// Of what libpng only warns, a wrong checksum of the pixels is refused, as by Pillow.
    static void on_warning(png_structp png, png_const_charp message) {
        if (std::strstr(message, "incorrect data check") != nullptr) png_error(png, message);
    }

    static void on_read(png_structp png, png_bytep to, size_t count) {
        auto& reader = *static_cast<Reader*>(png_get_io_ptr(png));
        if (reader.rest_.size() < count) png_error(png, "it ends before its IEND chunk");
        std::memcpy(to, reader.rest_.data(), count);
        reader.rest_ = reader.rest_.subspan(count);
    }

    png_structp png_ = nullptr;
    png_infop info_ = nullptr;
    ByteSpan rest_;
    const std::string& name_;
    int passes_ = 1;
    std::jmp_buf jump_{};
    char message_[256]{};
};

/// A 16-bit sample of an image of so many channels, as Pillow makes 8 bits of it.
uint8_t narrowed(const uint8_t* sample, int channels) {
    if (channels == 1) return static_cast<uint8_t>(std::min(u16_big(sample), 255));
    return sample[0];
}

/// Without alpha: grey and alpha -> grey, RGBA -> RGB.
Image without_alpha(const Reader::Raw& raw, ImageSize size) {
    Image image;
    image.reshape(size.height, size.width, raw.channels >= 3 ? 3 : 1);
    const int sample_bytes = raw.depth / 8, pixel_bytes = sample_bytes * raw.channels;
    for (int y = 0; y < size.height; ++y) {
        const uint8_t* from = raw.samples.data() + y * raw.row_bytes;
        uint8_t* to = image.row(y);
        for (int x = 0; x < size.width; ++x, from += pixel_bytes) {
            for (int c = 0; c < image.channels; ++c)
                *to++ = sample_bytes == 2 ? narrowed(from + ptrdiff_t{2} * c, raw.channels) : from[c];
        }
    }
    return image;
}

void decode(ByteSpan bytes, const std::string& name, int channels, Image& out) {
    const ImageSize size = read_size(bytes, name);
    Reader reader(bytes, name);
    const Reader::Raw raw = reader.read(size);
    Image image = without_alpha(raw, size), colours;
    if (!raw.is_palette) return convert_channels(image, channels, out);
    reader.palette().apply(image, colours);
    convert_channels(colours, channels, out);
}

bool recognises(ByteSpan bytes) { return starts_with(bytes, kSignature); }

}  // namespace

const ImageFormat kPng{recognises, read_size, decode};

}  // namespace adaq
