// WebP through libwebp: the first frame, without its alpha. Compiled only where CMake has found the library.
#include <webp/decode.h>
#include <webp/demux.h>

#include <algorithm>
#include <memory>

#include "loaders/images/colour.h"
#include "loaders/images/formats.h"
#include "loaders/images/limits.h"

namespace adaq {

namespace {

constexpr const char* kFormat = "WebP";
// An image of one colour takes no bits for its pixels. Larger ones are always some hundred bytes.
constexpr int64_t kMaxPixelsPerByte = 1 << 20;

const char* reason_of(VP8StatusCode status) {
    switch (status) {
        case VP8_STATUS_NOT_ENOUGH_DATA:
            return "it ends inside its header";
        case VP8_STATUS_UNSUPPORTED_FEATURE:
            return "it uses a feature that libwebp does not know";
        default:
            return "its header makes no sense";
    }
}

ImageSize read_size(ByteSpan bytes, const std::string& name) {
    WebPBitstreamFeatures features;
    const VP8StatusCode status = WebPGetFeatures(bytes.data(), bytes.size(), &features);
    if (status != VP8_STATUS_OK) corrupt(name, kFormat, "{}", reason_of(status));
    check_image_size(features.height, features.width, static_cast<int64_t>(bytes.size()), kMaxPixelsPerByte, name);
    return {features.height, features.width};
}

struct DeleteDecoder {
    void operator()(WebPAnimDecoder* decoder) const { WebPAnimDecoderDelete(decoder); }
};

/// As Pillow does it, by the decoder of animations, which takes still images as well: where a first frame does not fill
/// its canvas, the rest is black.
void decode(ByteSpan bytes, const std::string& name, int channels, Image& out) {
    const ImageSize size = read_size(bytes, name);
    WebPAnimDecoderOptions options;
    if (WebPAnimDecoderOptionsInit(&options) == 0)
        data_error("{}: the libwebp that is installed is not the one that adaq was built with", name);
    options.color_mode = MODE_RGBA;
    const WebPData data{bytes.data(), bytes.size()};
    const std::unique_ptr<WebPAnimDecoder, DeleteDecoder> decoder(WebPAnimDecoderNew(&data, &options));
    WebPAnimInfo info{};
    if (!decoder || WebPAnimDecoderGetInfo(decoder.get(), &info) == 0)
        corrupt(name, kFormat, "it is cut off, or its chunks make no sense");
    if (info.canvas_height != static_cast<uint32_t>(size.height) ||
        info.canvas_width != static_cast<uint32_t>(size.width))
        corrupt(name, kFormat, "two headers that contradict each other");
    uint8_t* rgba = nullptr;
    int timestamp = 0;
    if (WebPAnimDecoderGetNext(decoder.get(), &rgba, &timestamp) == 0)
        corrupt(name, kFormat, "its pixels cannot be decoded");
    Image image;
    image.reshape(size.height, size.width, 3);
    for (size_t i = 0; i < image.pixels.size() / 3; ++i) std::copy_n(rgba + 4 * i, 3, image.pixels.data() + 3 * i);
    convert_channels(image, channels, out);
}

bool recognises(ByteSpan bytes) { return starts_with(bytes, "RIFF") && starts_with(bytes, "WEBP", 8); }

}  // namespace

const ImageFormat kWebp{recognises, read_size, decode};

}  // namespace adaq
