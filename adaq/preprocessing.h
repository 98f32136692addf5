// How an image becomes a network's input.
#pragma once

#include <vector>

namespace adaq {

/// How an image is resized: with which of Pillow's filters.
enum class Interpolation { bilinear, bicubic };

/// resize is the shorter edge, crop a centred square; 0 leaves it out.
struct Preprocessing {
    int resize = 0;                                                                // pixels
    int crop = 0;                                                                  // pixels
    std::vector<float> mean{0.485f, 0.456f, 0.406f}, std{0.229f, 0.224f, 0.225f};  // of values in [0, 1], per channel
    Interpolation interpolation = Interpolation::bilinear;

    bool operator==(const Preprocessing&) const = default;
};

}  // namespace adaq
