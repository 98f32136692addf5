// Netpbm's bitmaps (P1, P4), greymaps (P2, P5) and pixmaps (P3, P6), as text and as bytes, with any maximum from 1 to
// 65535; samples above 255 take two bytes, the higher first. Samples are scaled as Pillow scales them: colours to
// 0 ... 255; greys of more than 8 bits to 0 ... 65535 and then, as Pillow's 16-bit greys, cut off at 255.
#include <algorithm>
#include <cmath>

#include "loaders/images/byte_reader.h"
#include "loaders/images/colour.h"
#include "loaders/images/limits.h"

namespace adaq {

namespace {

constexpr const char* kFormat = "PNM";
constexpr size_t kLongestNumber = 10;  // characters, as in Pillow
constexpr int kMostMaximum = 65535;
constexpr int64_t kMaxPixelsPerByte = 8;

bool is_space(uint8_t c) { return c == ' ' || (c >= '\t' && c <= '\r'); }
bool ends_line(uint8_t c) { return c == '\n' || c == '\r'; }

/// Words of text, without comments, which go from # to the end of a line. A comment does not end a word.
class Words {
  public:
    Words(ByteReader& reader, const std::string& name) : reader_(reader), name_(name) {}

    /// The next character that is in no comment; false at the file's end.
    bool next(uint8_t& c) {
        while (reader_.left() > 0) {
            c = reader_.byte("text");
            if (c != '#') return true;
            while (reader_.left() > 0 && !ends_line(reader_.byte("comment"))) {
            }
        }
        return false;
    }

    /// The next number, and the one white space behind it.
    int64_t number(const char* what) {
        int64_t value = 0;
        size_t digits = 0;
        for (uint8_t c = 0; next(c);) {
            if (is_space(c) && digits == 0) continue;
            if (is_space(c)) return value;
            if (c < '0' || c > '9') corrupt(name_, kFormat, "its {} has byte 0x{:02x}, expected digits", what, c);
            if (++digits > kLongestNumber)
                corrupt(name_, kFormat, "its {} has more than {} digits", what, kLongestNumber);
            value = value * 10 + (c - '0');
        }
        if (digits == 0) corrupt(name_, kFormat, "it ends before its {}", what);
        return value;
    }

  private:
    ByteReader& reader_;
    const std::string& name_;
};

struct Header {
    int kind = 0;  // 1 ... 6, as in P1 ... P6
    int64_t width = 0, height = 0, maximum = 1;
    size_t pixels_at = 0;

    bool is_text() const { return kind <= 3; }
    bool is_bitmap() const { return kind == 1 || kind == 4; }
    int channels() const { return kind == 3 || kind == 6 ? 3 : 1; }
    size_t samples_of_row() const { return width * channels(); }
    size_t row_bytes() const {  // of the binary kinds
        if (is_bitmap()) return (width + 7) / 8;
        return samples_of_row() * (maximum > 255 ? 2 : 1);
    }
};

Header read_header(ByteSpan bytes, const std::string& name) {
    Header header;
    ByteReader reader(bytes, name, kFormat);
    header.kind = reader.take(2, "header")[1] - '0';
    if (!is_space(reader.byte("header"))) corrupt(name, kFormat, "no white space behind P{}", header.kind);
    Words words(reader, name);
    header.width = words.number("width");
    header.height = words.number("height");
    if (!header.is_bitmap()) header.maximum = words.number("maximum");
    if (header.maximum < 1 || header.maximum > kMostMaximum)
        corrupt(name, kFormat, "the maximum is {}, expected 1 to {}", header.maximum, kMostMaximum);
    header.pixels_at = reader.position();
    check_image_size(header.height, header.width, static_cast<int64_t>(bytes.size()), kMaxPixelsPerByte, name);
    return header;
}

/// Every possible sample's pixel.
std::vector<uint8_t> scale_of(const Header& header) {
    const bool wide_grey = header.channels() == 1 && header.maximum > 255;
    const double most = wide_grey ? 65535.0 : 255.0, maximum = static_cast<double>(header.maximum);
    const int samples = header.is_text() ? static_cast<int>(header.maximum) + 1 : header.maximum > 255 ? 65536 : 256;
    std::vector<uint8_t> scale(samples);
    for (int sample = 0; sample < samples; ++sample) {
        const double scaled = std::nearbyint(sample / maximum * most);
        scale[sample] = static_cast<uint8_t>(std::min(scaled, 255.0));
    }
    return scale;
}

void read_text_bitmap(ByteReader& reader, const std::string& name, Image& image) {
    Words words(reader, name);
    for (uint8_t& pixel : image.pixels) {
        uint8_t c = ' ';
        while (is_space(c))
            if (!words.next(c)) corrupt(name, kFormat, "it ends before its last pixel");
        if (c != '0' && c != '1') corrupt(name, kFormat, "byte 0x{:02x} among its pixels, expected 0 and 1", c);
        pixel = c == '0' ? 255 : 0;
    }
    for (uint8_t c = 0; words.next(c);)  // as Pillow, which takes nothing else behind them
        if (!is_space(c) && c != '0' && c != '1')
            corrupt(name, kFormat, "byte 0x{:02x} behind its pixels, expected 0 and 1", c);
}

void read_text(const Header& header, ByteReader& reader, const std::string& name, Image& image) {
    const std::vector<uint8_t> scale = scale_of(header);
    Words words(reader, name);
    for (uint8_t& pixel : image.pixels) {
        const int64_t sample = words.number("last pixel");
        if (sample > header.maximum)
            corrupt(name, kFormat, "a sample of {}, above its maximum of {}", sample, header.maximum);
        pixel = scale[sample];
    }
}

void read_bits(ByteSpan data, const Header& header, Image& image) {
    for (int y = 0; y < image.height; ++y) {
        const uint8_t* from = data.data() + y * header.row_bytes();
        for (int x = 0; x < image.width; ++x) image.row(y)[x] = (from[x / 8] >> (7 - x % 8) & 1) != 0 ? 0 : 255;
    }
}

void read_samples(ByteSpan data, const Header& header, Image& image) {
    const std::vector<uint8_t> scale = scale_of(header);
    const bool wide = header.maximum > 255;
    for (size_t i = 0; i < image.pixels.size(); ++i) {
        const int sample = wide ? u16_big(data.data() + 2 * i) : data[i];
        image.pixels[i] = scale[sample];
    }
}

/// Whether as many bytes are there as the pixels take at least, before memory is taken for these.
void check_is_whole(const Header& header, size_t left, const std::string& name) {
    const size_t rows = header.height;
    size_t needed = header.row_bytes() * rows;
    if (header.kind == 1) needed = header.samples_of_row() * rows;
    if (header.kind == 2 || header.kind == 3) needed = 2 * header.samples_of_row() * rows - 1;  // digits and spaces
    if (left < needed)
        corrupt(name, kFormat, "{} bytes of pixels, expected {} for {}x{} of them", left, needed, header.width,
                header.height);
}

void decode(ByteSpan bytes, const std::string& name, int channels, Image& out) {
    const Header header = read_header(bytes, name);
    ByteReader reader(bytes, name, kFormat);
    reader.move_to(header.pixels_at);
    check_is_whole(header, reader.left(), name);
    Image image;
    image.reshape(static_cast<int>(header.height), static_cast<int>(header.width), header.channels());
    const ByteSpan data = bytes.subspan(header.pixels_at);
    if (header.kind == 1) read_text_bitmap(reader, name, image);
    if (header.kind == 2 || header.kind == 3) read_text(header, reader, name, image);
    if (header.kind == 4) read_bits(data, header, image);
    if (header.kind >= 5) read_samples(data, header, image);
    convert_channels(image, channels, out);
}

bool recognises(ByteSpan bytes) { return bytes.size() >= 2 && bytes[0] == 'P' && bytes[1] >= '1' && bytes[1] <= '6'; }

ImageSize read_size(ByteSpan bytes, const std::string& name) {
    const Header header = read_header(bytes, name);
    return {static_cast<int>(header.height), static_cast<int>(header.width)};
}

}  // namespace

const ImageFormat kPnm{recognises, read_size, decode};

}  // namespace adaq
