// JPEG through libjpeg-turbo, with the settings that Pillow uses (accurate integer DCT, fancy upsampling, block
// smoothing), so that the pixels are Pillow's. libjpeg's state is kept from image to image.
#pragma once

#include <memory>

#include "loaders/images/image.h"

namespace adaq {

class JpegDecoder {
  public:
    JpegDecoder();
    ~JpegDecoder();

    static bool recognises(std::span<const uint8_t> bytes);

    /// Reads the header. `bytes` and `name` must live until read() has returned. Throws DataError.
    ImageSize open(std::span<const uint8_t> bytes, const std::string& name);

    /// Decodes the window of the image that open() has read, once, into 1 (grey) or 3 (RGB) channels. Data that is cut
    /// off or damaged is an error, not a picture with a grey rest. Throws DataError.
    void read(int channels, const Rectangle& window, Image& out);

  private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace adaq
