// Resizing with Pillow's own arithmetic (Image.resize, bilinear or bicubic, which antialias when they shrink): weights
// in 22-bit fixed point, one pass for each direction, rounded to 8 bits after either. The result equals Pillow 13's bit
// for bit (and that of earlier versions, but for 1/255 here and there in images more than twice as high as wide). Only
// the rows and columns that the crop needs are read and computed.
#pragma once

#include "loaders/images/geometry.h"
#include "loaders/images/resample_kernels.h"

namespace adaq {

/// Carries out a ResizePlan. Kept from image to image for its buffers and weights; one per thread.
class Resampler {
  public:
    /// Fixes what to do; returns the window of the image that run() needs.
    Rectangle prepare(const ResizePlan& plan);

    /// `pixels`: that window (its buffer may be taken). Writes the plan's output.
    void run(Image& pixels, Image& out);

  private:
    bool changes_height() const { return plan_.resized.height != plan_.source.height; }
    bool changes_width() const { return plan_.resized.width != plan_.source.width; }
    bool height_first() const;
    Image& resize_width(const Image& from);
    Image& resize_height(const Image& from);
    void frame(const Image& visible, Image& out) const;
    void reflect(const Image& visible, Image& out) const;

    ResizePlan plan_;
    Rectangle kept_;    // the part of the resized image that the crop shows
    Rectangle needed_;  // the part of the original that it takes
    ResampleTaps columns_, rows_;
    Image narrow_, short_;         // after the horizontal and the vertical pass
    std::vector<uint8_t> padded_;  // a row with slack behind it
};

}  // namespace adaq
