// See reader.h.
#include "loaders/images/reader.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "engine/error.h"
#include "loaders/images/colour.h"
#include "loaders/images/formats.h"
#include "loaders/images/jpeg.h"
#include "loaders/images/limits.h"

namespace adaq {

namespace {

constexpr size_t kHeaderBytes = 1 << 16;  // enough for nearly every header; more is read where it is not

class FileHandle {
  public:
    explicit FileHandle(const std::string& path)
        : descriptor_(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)) {
        if (descriptor_ < 0) data_error("{}: cannot be opened ({})", path, std::strerror(errno));
    }
    ~FileHandle() { ::close(descriptor_); }
    FileHandle(const FileHandle&) = delete;
    FileHandle& operator=(const FileHandle&) = delete;
    int get() const { return descriptor_; }

  private:
    int descriptor_;
};

/// Reads the first `limit` bytes, or all, into `buffer` (which only grows) and returns them. `whole` tells which it
/// was.
std::span<const uint8_t> read_file(const std::string& path, size_t limit, std::vector<uint8_t>& buffer, bool& whole) {
    const FileHandle file(path);
    struct stat status {};
    if (::fstat(file.get(), &status) != 0) data_error("{}: cannot be read ({})", path, std::strerror(errno));
    if (!S_ISREG(status.st_mode)) data_error("{}: not a regular file, expected an image", path);
    if (status.st_size > kMaxImageFileBytes)
        data_error("{}: {} bytes, expected an image of at most 1 GiB", path, status.st_size);
    const size_t wanted = std::min<size_t>(status.st_size, limit);
    whole = std::cmp_equal(wanted, status.st_size);
    if (buffer.size() < wanted) buffer.resize(wanted);
    size_t done = 0;
    while (done < wanted) {
        const ssize_t count = ::read(file.get(), buffer.data() + done, wanted - done);
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) data_error("{}: cannot be read ({})", path, std::strerror(errno));
        if (count == 0) break;  // it has shrunk meanwhile: the decoder will say that it is cut off
        done += count;
    }
    return {buffer.data(), done};
}

}  // namespace

struct ImageReader::State {
    enum class Kind { none, jpeg, whole, pixels };

    Kind kind = Kind::none;
    std::string name;
    ImageSize size;
    std::vector<uint8_t> file;       // the opened file's bytes; grows to the largest file seen
    std::span<const uint8_t> bytes;  // what is decoded, in `file` or the caller's
    int channels = 0;                // of Kind::pixels
    JpegDecoder jpeg;
    const ImageFormat* format = nullptr;  // of Kind::whole
    Image whole;                          // where a decoder can only do the whole and a window was asked for

    void open(std::span<const uint8_t> encoded);
    void read_whole(int wanted_channels, Image& out);
};

void ImageReader::State::open(std::span<const uint8_t> encoded) {
    bytes = encoded;
    kind = Kind::none;
    if (JpegDecoder::recognises(bytes)) {
        size = jpeg.open(bytes, name);
        kind = Kind::jpeg;
        return;
    }
    format = format_of(bytes);
    if (format == nullptr) data_error("{}: {}", name, describe_unread(bytes));
    size = format->read_size(bytes, name);
    kind = Kind::whole;
}

void ImageReader::State::read_whole(int wanted_channels, Image& out) {
    if (kind == Kind::whole) {
        format->decode(bytes, name, wanted_channels, out);
        require(out.size() == size, "{}: {}x{} pixels, its header says {}x{}", name, out.width, out.height, size.width,
                size.height);
        return;
    }
    out.reshape(size.height, size.width, wanted_channels);
    const size_t count = size.pixels();
    if (channels == wanted_channels) {
        std::copy(bytes.begin(), bytes.end(), out.pixels.begin());
    } else if (wanted_channels == 3) {
        grey_to_rgb(bytes.data(), count, out.pixels.data());
    } else {
        rgb_to_grey(bytes.data(), count, out.pixels.data());
    }
}

ImageReader::ImageReader() : state_(std::make_unique<State>()) {}
ImageReader::~ImageReader() = default;
ImageReader::ImageReader(ImageReader&&) noexcept = default;
ImageReader& ImageReader::operator=(ImageReader&&) noexcept = default;

void ImageReader::open_file(const std::string& path) {
    bool whole = true;
    state_->name = path;
    state_->open(read_file(path, kMaxImageFileBytes, state_->file, whole));
}

void ImageReader::open_header(const std::string& path) {
    bool whole = true;
    state_->name = path;
    const auto header = read_file(path, kHeaderBytes, state_->file, whole);
    try {
        state_->open(header);
    } catch (const DataError&) {
        if (whole) throw;
        open_file(path);  // a header of more than 64 KiB, or a file that is bad in any case
    }
    state_->kind = State::Kind::none;
}

void ImageReader::open_bytes(std::span<const uint8_t> bytes, const std::string& name) {
    state_->name = name;
    state_->open(bytes);
}

void ImageReader::open_pixels(std::span<const uint8_t> pixels, ImageSize size, int channels, const std::string& name) {
    const int64_t expected = size.pixels() * channels;
    require(std::ssize(pixels) == expected, "{}: {} bytes of pixels, expected {}", name, pixels.size(), expected);
    state_->name = name;
    state_->kind = State::Kind::pixels;
    state_->bytes = pixels;
    state_->size = size;
    state_->channels = channels;
}

ImageSize ImageReader::size() const { return state_->size; }
const std::string& ImageReader::name() const { return state_->name; }

void ImageReader::read(int channels, Image& out) { read(channels, {0, 0, size().height, size().width}, out); }

void ImageReader::read(int channels, const Rectangle& window, Image& out) {
    State& state = *state_;
    require(state.kind != State::Kind::none, "ImageReader: read() needs an open image");
    require(channels == 1 || channels == 3, "ImageReader: {} channels, expected 1 or 3", channels);
    require(window.y >= 0 && window.x >= 0 && window.height > 0 && window.width > 0 &&
                window.height <= state.size.height - window.y && window.width <= state.size.width - window.x,
            "{}: a window of {}x{} at {},{} in an image of {}x{}", state.name, window.width, window.height, window.x,
            window.y, state.size.width, state.size.height);
    if (state.kind == State::Kind::jpeg) {
        state.kind = State::Kind::none;  // libjpeg reads an image once
        return state.jpeg.read(channels, window, out);
    }
    const bool all = window == Rectangle{0, 0, state.size.height, state.size.width};
    state.read_whole(channels, all ? out : state.whole);
    if (all) return;
    out.reshape(window.height, window.width, channels);
    const int64_t skip = int64_t{window.x} * channels;
    for (int y = 0; y < window.height; ++y) {
        std::copy_n(state.whole.row(window.y + y) + skip, out.row_bytes(), out.row(y));
    }
}

Image decode_image(const std::string& path, int channels) {
    ImageReader reader;
    reader.open_file(path);
    Image image;
    reader.read(channels, image);
    return image;
}

Image decode_image(std::span<const uint8_t> bytes, const std::string& name, int channels) {
    ImageReader reader;
    reader.open_bytes(bytes, name);
    Image image;
    reader.read(channels, image);
    return image;
}

ImageSize read_image_size(const std::string& path) {
    ImageReader reader;
    reader.open_header(path);
    return reader.size();
}

}  // namespace adaq
