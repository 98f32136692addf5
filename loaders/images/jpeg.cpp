// See jpeg.h. libjpeg reports an error by a callback that must not return; ours jumps back to State::guarded(), the
// only place with a setjmp. What runs under it is C calls and trivial locals, so that no destructor is ever jumped
// over; the C++ exception is thrown afterwards.
#include "loaders/images/jpeg.h"

#include <algorithm>
#include <array>
#include <csetjmp>
#include <cstdio>
#include <cstring>

#include <jpeglib.h>
// jerror.h needs jpeglib.h before it.
#include <jerror.h>

#include "engine/error.h"
#include "loaders/images/colour.h"
#include "loaders/images/limits.h"

namespace adaq {

namespace {

// A block of 64 pixels takes at least one bit in each scan, and may be shared by other components through subsampling.
constexpr int64_t kMaxPixelsPerByte = 1024;
// Many empty scans would make a small progressive file take very long; real files have about ten.
constexpr int kMaxScans = 200;
// Fancy upsampling looks one chroma sample (at most two pixels) past a column; at the edge of a crop it cannot.
constexpr int kUpsamplingReach = 2;

/// The warnings that mean lost pixels. The others (bytes between markers, odd version numbers) Pillow passes over too.
bool loses_pixels(int warning) {
    switch (warning) {
        case JWRN_JPEG_EOF:
        case JWRN_HIT_MARKER:
        case JWRN_HUFF_BAD_CODE:
        case JWRN_ARITH_BAD_CODE:
        case JWRN_BOGUS_PROGRESSION:
        case JWRN_MUST_RESYNC:
            return true;
        default:
            return false;
    }
}

/// Whether the end-of-image marker follows: inside entropy-coded data 0xFF is never followed by its code.
bool has_end_marker(const uint8_t* at, size_t count) {
    const uint8_t* last = at + count - 1;
    while (count > 0 && at < last) {
        at = static_cast<const uint8_t*>(std::memchr(at, 0xFF, last - at));
        if (at == nullptr) return false;
        if (at[1] == JPEG_EOI) return true;
        ++at;
    }
    return false;
}

/// Columns of the decoder's output, of which the wanted ones are `skip` to the right.
struct Columns {
    size_t skip = 0;
    bool all = true;
};

}  // namespace

struct JpegDecoder::State {
    jpeg_decompress_struct info{};
    jpeg_error_mgr errors{};
    jpeg_progress_mgr progress{};
    std::jmp_buf jump{};
    char message[JMSG_LENGTH_MAX]{};
    const std::string* name = nullptr;
    std::vector<uint8_t> line;  // one row as libjpeg delivers it, where that is not what was asked for

    State();
    ~State() { jpeg_destroy_decompress(&info); }
    State(const State&) = delete;
    State& operator=(const State&) = delete;

    /// Runs libjpeg calls; throws DataError with libjpeg's message if one of them fails.
    template <typename Calls>
    void guarded(const Calls& calls) {
        if (setjmp(jump) == 0) {
            calls();
            return;
        }
        jpeg_abort_decompress(&info);
        data_error("{}: corrupt JPEG file ({})", *name, message);
    }

    void choose_colours(int channels);
    Columns crop_columns(const Rectangle& window);
    void read_directly(Image& out);
    void read_rows(const Rectangle& window, Image& out);
    void convert_line(const Columns& columns, uint8_t* row, const Image& out);
    void finish();
};

JpegDecoder::State::State() {
    info.err = jpeg_std_error(&errors);
    info.client_data = this;
    errors.output_message = [](j_common_ptr) {};
    errors.error_exit = [](j_common_ptr common) {
        auto& state = *static_cast<State*>(common->client_data);
        common->err->format_message(common, state.message);
        std::longjmp(state.jump, 1);
    };
    errors.emit_message = [](j_common_ptr common, int level) {
        if (level < 0 && loses_pixels(common->err->msg_code)) common->err->error_exit(common);
    };
    progress.progress_monitor = [](j_common_ptr common) {
        auto& state = *static_cast<State*>(common->client_data);
        if (state.info.input_scan_number <= kMaxScans) return;
        std::snprintf(state.message, sizeof(state.message), "more than %d scans", kMaxScans);
        std::longjmp(state.jump, 1);
    };
}

/// What libjpeg converts to; the rest is convert_line's.
void JpegDecoder::State::choose_colours(int channels) {
    const bool grey = info.jpeg_color_space == JCS_GRAYSCALE;
    if (info.num_components == 4) {
        info.out_color_space = JCS_CMYK;
    } else {
        info.out_color_space = channels == 1 && grey ? JCS_GRAYSCALE : JCS_RGB;
    }
}

/// Keeps libjpeg from transforming and upsampling blocks left and right of the window.
Columns JpegDecoder::State::crop_columns(const Rectangle& window) {
    const int width = static_cast<int>(info.image_width);
    if (window.x == 0 && window.width == width) return {};
    const int from = std::max(window.x - kUpsamplingReach, 0);
    const int to = std::min(window.x + window.width + kUpsamplingReach, width);
    JDIMENSION x = static_cast<JDIMENSION>(from), cropped_width = static_cast<JDIMENSION>(to - from);
    jpeg_crop_scanline(&info, &x, &cropped_width);  // moves x to the left, to a block's edge
    return {window.x - x, false};
}

void JpegDecoder::State::convert_line(const Columns& columns, uint8_t* row, const Image& out) {
    const size_t width = out.width, components = info.out_color_components;
    uint8_t* from = line.data() + columns.skip * components;
    if (info.out_color_space == JCS_CMYK) inverted_cmyk_to_rgb(from, width, from);
    if (info.out_color_space != JCS_GRAYSCALE && out.channels == 1) {
        rgb_to_grey(from, width, row);
    } else {
        std::memcpy(row, from, out.row_bytes());
    }
}

/// Rows straight into the image, as many at a time as libjpeg likes to give.
void JpegDecoder::State::read_directly(Image& out) {
    for (int y = 0; y < out.height;) {
        std::array<JSAMPROW, 16> rows;
        const int wanted = std::min(static_cast<int>(rows.size()), out.height - y);
        for (int i = 0; i < wanted; ++i) rows[i] = out.row(y + i);
        y += static_cast<int>(jpeg_read_scanlines(&info, rows.data(), static_cast<JDIMENSION>(wanted)));
    }
}

void JpegDecoder::State::read_rows(const Rectangle& window, Image& out) {
    const Columns columns = crop_columns(window);
    const bool direct = columns.all && info.out_color_components == out.channels;
    if (window.y > 0) jpeg_skip_scanlines(&info, static_cast<JDIMENSION>(window.y));
    if (direct) return read_directly(out);
    for (int y = 0; y < window.height; ++y) {
        JSAMPROW row = line.data();
        jpeg_read_scanlines(&info, &row, 1);
        convert_line(columns, out.row(y), out);
    }
}

/// Rows below the window are not decoded; but a file that is cut off there is refused all the same.
void JpegDecoder::State::finish() {
    if (info.output_scanline == info.output_height) {
        jpeg_finish_decompress(&info);
        return;
    }
    // The marker may have been met by libjpeg's read-ahead already.
    const bool complete = jpeg_input_complete(&info) != FALSE || info.unread_marker == JPEG_EOI ||
                          has_end_marker(info.src->next_input_byte, info.src->bytes_in_buffer);
    if (!complete) {
        info.err->msg_code = JWRN_JPEG_EOF;
        info.err->error_exit(reinterpret_cast<j_common_ptr>(&info));
    }
    jpeg_abort_decompress(&info);
}

JpegDecoder::JpegDecoder() : state_(std::make_unique<State>()) {}
JpegDecoder::~JpegDecoder() = default;

bool JpegDecoder::recognises(std::span<const uint8_t> bytes) {
    return bytes.size() >= 3 && bytes[0] == 0xFF && bytes[1] == 0xD8 && bytes[2] == 0xFF;
}

ImageSize JpegDecoder::open(std::span<const uint8_t> bytes, const std::string& name) {
    State& state = *state_;
    state.name = &name;
    // A fresh decompressor for each image: libjpeg keeps tables, and a file that lacks its own must not get another's.
    jpeg_destroy_decompress(&state.info);
    state.guarded([&] {
        jpeg_create_decompress(&state.info);
        state.info.progress = &state.progress;
        jpeg_mem_src(&state.info, bytes.data(), bytes.size());
        jpeg_read_header(&state.info, TRUE);
    });
    const int components = state.info.num_components;
    if (components != 1 && components != 3 && components != 4) {
        data_error("{}: a JPEG file of {} colour components, expected 1, 3 or 4", name, components);
    }
    check_image_size(state.info.image_height, state.info.image_width, static_cast<int64_t>(bytes.size()),
                     kMaxPixelsPerByte, name);
    return {static_cast<int>(state.info.image_height), static_cast<int>(state.info.image_width)};
}

void JpegDecoder::read(int channels, const Rectangle& window, Image& out) {
    State& state = *state_;
    state.choose_colours(channels);
    state.line.resize(size_t{state.info.image_width} * 4);
    out.reshape(window.height, window.width, channels);
    state.guarded([&] {
        jpeg_start_decompress(&state.info);
        state.read_rows(window, out);
        state.finish();
    });
}

}  // namespace adaq
