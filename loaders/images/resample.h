// Resizing with Pillow's own arithmetic (Image.resize, bilinear, which antialiases when it shrinks): weights in 22-bit
// fixed point, a horizontal pass to 8 bits, then a vertical one. The result equals Pillow's bit for bit. Only the rows
// and columns that the crop needs are read and computed.
#pragma once

#include "loaders/images/geometry.h"

namespace adaq {

/// For each output position of one axis: which inputs it averages, with which weights.
struct ResampleTaps {
    std::vector<int> first, count;  // per output: its inputs are first ... first + count - 1
    std::vector<int32_t> weights;   // `stride` per output, in units of 2^-22
    int stride = 0;
    int in = 0, out = 0, from = -1, to = -1;  // what they were made for: outputs [from, to) of in -> out

    /// Makes the weights for outputs [from, to) of resizing `in` pixels to `out`; does nothing if it has them already.
    void prepare(int in_size, int out_size, int out_from, int out_to);
    int first_input() const { return first.front(); }
    int end_input() const { return first.back() + count.back(); }
};

/// Carries out a ResizePlan. Kept from image to image for its buffers and weights; one per thread.
class Resampler {
  public:
    /// Fixes what to do; returns the window of the image that run() needs.
    Window prepare(const ResizePlan& plan);

    /// `pixels`: that window (its buffer may be taken). Writes the plan's output.
    void run(Image& pixels, Image& out);

  private:
    bool changes_height() const { return plan_.resized.height != plan_.source.height; }
    bool changes_width() const { return plan_.resized.width != plan_.source.width; }
    void resize_width(const Image& from);
    void resize_height(const Image& from);
    void frame(const Image& visible, Image& out) const;

    ResizePlan plan_;
    Window kept_;    // the part of the resized image that the crop shows
    Window needed_;  // the part of the original that it takes
    ResampleTaps columns_, rows_;
    Image narrow_, short_;                     // after the horizontal and the vertical pass
    std::vector<uint8_t> last_in_, last_out_;  // the last row, with a spare byte
};

}  // namespace adaq
