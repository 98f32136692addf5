// One image being read: the hot path behind decode_image(). A reader is made once a thread and opened for image after
// image, so that buffers and libjpeg's state are reused. After opening, the size is known; read() then decodes the
// whole, or only a window (a JPEG's rows and columns outside it cost little).
#pragma once

#include <memory>

#include "loaders/images/image.h"

namespace adaq {

class ImageReader {
  public:
    ImageReader();
    ~ImageReader();
    ImageReader(ImageReader&&) noexcept;
    ImageReader& operator=(ImageReader&&) noexcept;

    /// Reads the file into memory and its header. Throws DataError (see decode_image).
    void open_file(const std::string& path);
    /// Only the header: size() is known afterwards, read() must not be called.
    void open_header(const std::string& path);
    /// An encoded image in memory, which must stay there until it has been read.
    void open_bytes(std::span<const uint8_t> bytes, const std::string& name);
    /// Pixels in memory (HWC, `channels` 1 or 3), which must stay there until they have been read.
    void open_pixels(std::span<const uint8_t> pixels, ImageSize size, int channels, const std::string& name);

    ImageSize size() const;
    const std::string& name() const;

    /// Decodes what was opened into `channels` (1 or 3) channels; once after each opening. Throws DataError.
    void read(int channels, Image& out);
    /// The same, of the given window only, which must lie inside the image.
    void read(int channels, const Rectangle& window, Image& out);

  private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace adaq
