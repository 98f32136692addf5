// GIF: the first frame on its canvas. As in Pillow's convert("RGB") transparent pixels have their index's colour, and
// what the frame leaves of the canvas is filled with the transparent index, or with index 0.
#include <algorithm>
#include <array>
#include <optional>

#include "loaders/images/byte_reader.h"
#include "loaders/images/colour.h"
#include "loaders/images/limits.h"

namespace adaq {

namespace {

constexpr const char* kFormat = "GIF";
// A code of 12 bits stands for at most 4,096 pixels.
constexpr int64_t kMaxPixelsPerByte = 4096;
constexpr int kHasPalette = 0x80, kInterlaced = 0x40;

/// The next sub-block of data; empty at a terminator.
ByteSpan take_block(ByteReader& reader) {
    const uint8_t size = reader.byte("blocks");
    return reader.take(size, "blocks");
}

void skip_blocks(ByteReader& reader) {
    while (!take_block(reader).empty()) {
    }
}

std::optional<Palette> take_palette(ByteReader& reader, int flags) {
    if ((flags & kHasPalette) == 0) return std::nullopt;
    const size_t colours = size_t{2} << (flags & 7);
    const ByteSpan bytes = reader.take(3 * colours, "palette");
    Palette palette;
    for (size_t i = 0; i < colours; ++i) palette.add(bytes[3 * i], bytes[3 * i + 1], bytes[3 * i + 2]);
    return palette;
}

/// All that stands before the first frame's pixels.
struct Header {
    int canvas_width = 0, canvas_height = 0;
    Rectangle frame;
    bool interlaced = false;
    std::optional<uint8_t> transparent;
    Palette palette;
    int code_bits = 0;     // of an index
    size_t blocks_at = 0;  // the pixels' sub-blocks
};

void read_extension(ByteReader& reader, const std::string& name, Header& header) {
    constexpr uint8_t kGraphicControl = 0xF9;
    const uint8_t label = reader.byte("extensions");
    const ByteSpan block = take_block(reader);
    if (label == kGraphicControl && !block.empty()) {
        if (block.size() < 4) corrupt(name, kFormat, "a graphic control extension of {} bytes", block.size());
        if ((block[0] & 1) != 0) header.transparent = block[3];
    }
    if (!block.empty()) skip_blocks(reader);
}

void read_frame(ByteReader& reader, const std::string& name, const std::optional<Palette>& global, Header& header) {
    const ByteSpan bytes = reader.take(9, "frame's header");
    header.frame = {u16_little(bytes, 2), u16_little(bytes, 0), u16_little(bytes, 6), u16_little(bytes, 4)};
    if (header.frame.width == 0 || header.frame.height == 0) corrupt(name, kFormat, "its first frame is empty");
    header.canvas_width = std::max(header.canvas_width, header.frame.x + header.frame.width);
    header.canvas_height = std::max(header.canvas_height, header.frame.y + header.frame.height);
    header.interlaced = (bytes[8] & kInterlaced) != 0;
    auto palette = take_palette(reader, bytes[8]);
    if (!palette) palette = global;
    // Indices beyond a palette of greys 0, 1, 2 ... are greys, too.
    header.palette = palette && !palette->is_grey_ramp() ? *palette : Palette::grey_ramp();
    header.code_bits = reader.byte("frame's header");
    if (header.code_bits < 2 || header.code_bits > 8)
        corrupt(name, kFormat, "codes of {} bits, expected 2 to 8", header.code_bits);
    header.blocks_at = reader.position();
}

Header read_header(ByteSpan bytes, const std::string& name) {
    constexpr uint8_t kExtension = '!', kFrame = ',', kEnd = ';';
    Header header;
    ByteReader reader(bytes, name, kFormat);
    const ByteSpan screen = reader.take(13, "header");
    header.canvas_width = u16_little(screen, 6);
    header.canvas_height = u16_little(screen, 8);
    const std::optional<Palette> global = take_palette(reader, screen[10]);
    for (;;) {
        const uint8_t introducer = reader.byte("blocks");
        if (introducer == kExtension) read_extension(reader, name, header);
        if (introducer == kEnd) corrupt(name, kFormat, "it has no frame");
        if (introducer == kFrame) break;
    }
    read_frame(reader, name, global, header);
    check_image_size(header.canvas_height, header.canvas_width, static_cast<int64_t>(bytes.size()), kMaxPixelsPerByte,
                     name);
    return header;
}

/// Codes of a growing number of bits, least significant bit first, out of sub-blocks.
class Codes {
  public:
    explicit Codes(ByteReader& reader) : reader_(reader) {}

    int next(int bits) {
        while (held_ < bits) {
            while (block_.empty()) block_ = take_block(reader_);
            buffer_ |= static_cast<uint32_t>(block_[0]) << held_;
            block_ = block_.subspan(1);
            held_ += 8;
        }
        const int code = static_cast<int>(buffer_ & ((1u << bits) - 1));
        buffer_ >>= bits;
        held_ -= bits;
        return code;
    }

  private:
    ByteReader& reader_;
    ByteSpan block_;
    uint32_t buffer_ = 0;
    int held_ = 0;
};

/// The frame's pixels on the canvas, in the order in which they are stored.
class FramePixels {
  public:
    FramePixels(const Header& header, Image& canvas)
        : canvas_(canvas), frame_(header.frame), interlaced_(header.interlaced) {}

    bool complete() const { return y_ >= frame_.height; }

    void add(uint8_t index) {
        canvas_.row(frame_.y + y_)[frame_.x + x_] = index;
        if (++x_ < frame_.width) return;
        x_ = 0;
        y_ += interlaced_ ? kSteps[pass_] : 1;
        while (interlaced_ && complete() && pass_ + 1 < kSteps.size()) y_ = kStarts[++pass_];
    }

  private:
    static constexpr std::array<int, 4> kStarts{0, 4, 2, 1}, kSteps{8, 8, 4, 2};  // rows of the four passes

    Image& canvas_;
    Rectangle frame_;
    bool interlaced_;
    int x_ = 0, y_ = 0;
    size_t pass_ = 0;
};

/// LZW's table: each code stands for an older code's string and one more index.
class Strings {
  public:
    Strings(int code_bits, const std::string& name) : name_(name), first_bits_(code_bits) { clear(); }

    int clear_code() const { return 1 << first_bits_; }
    int end_code() const { return clear_code() + 1; }
    int bits() const { return bits_; }

    void clear() {
        bits_ = first_bits_ + 1;
        size_ = clear_code() + 2;
        last_ = kNone;
    }

    /// The string of a code, last index first, and what the table learns from it.
    const std::vector<uint8_t>& expand(int code) {
        string_.clear();
        if (code > (last_ == kNone ? clear_code() : size_))
            corrupt(name_, kFormat, "an impossible code among its pixels");
        if (last_ == kNone) {
            string_.push_back(static_cast<uint8_t>(code));
        } else {
            append(code);
        }
        last_ = code;
        first_index_ = string_.back();
        return string_;
    }

  private:
    static constexpr int kMost = 4096, kMostBits = 12, kNone = -1;

    void append(int code) {
        int at = code;
        if (code == size_) {  // the string that is about to be learned: the last one and its own first index
            string_.push_back(first_index_);
            at = last_;
        }
        for (; at >= clear_code(); at = before_[at]) string_.push_back(index_[at]);
        string_.push_back(static_cast<uint8_t>(at));
        if (size_ == kMost) return;
        index_[size_] = string_.back();
        before_[size_] = static_cast<int16_t>(last_);
        if (size_ == (1 << bits_) - 1 && bits_ < kMostBits) ++bits_;
        ++size_;
    }

    const std::string& name_;
    int first_bits_, bits_ = 0, size_ = 0, last_ = kNone;
    uint8_t first_index_ = 0;
    std::vector<uint8_t> string_;
    std::array<uint8_t, kMost> index_{};
    std::array<int16_t, kMost> before_{};
};

void decode_frame(ByteReader& reader, const std::string& name, const Header& header, Image& canvas) {
    Codes codes(reader);
    Strings strings(header.code_bits, name);
    FramePixels pixels(header, canvas);
    while (!pixels.complete()) {
        const int code = codes.next(strings.bits());
        if (code == strings.end_code()) corrupt(name, kFormat, "its pixels end before the last one");
        if (code == strings.clear_code()) {
            strings.clear();
            continue;
        }
        const std::vector<uint8_t>& string = strings.expand(code);
        for (auto index = string.rbegin(); index != string.rend() && !pixels.complete(); ++index) pixels.add(*index);
    }
}

void decode(ByteSpan bytes, const std::string& name, int channels, Image& out) {
    const Header header = read_header(bytes, name);
    ByteReader reader(bytes, name, kFormat);
    reader.move_to(header.blocks_at);
    Image canvas, colours;
    canvas.reshape(header.canvas_height, header.canvas_width, 1);
    std::fill(canvas.pixels.begin(), canvas.pixels.end(), header.transparent.value_or(0));
    decode_frame(reader, name, header, canvas);
    header.palette.apply(canvas, colours);
    convert_channels(colours, channels, out);
}

bool recognises(ByteSpan bytes) { return starts_with(bytes, "GIF87a") || starts_with(bytes, "GIF89a"); }

ImageSize read_size(ByteSpan bytes, const std::string& name) {
    const Header header = read_header(bytes, name);
    return {header.canvas_height, header.canvas_width};
}

}  // namespace

const ImageFormat kGif{recognises, read_size, decode};

}  // namespace adaq
