// 8-bit pixels to the network's input, in float32 as torchvision's ToTensor and Normalize compute it:
// (pixel / 255 - mean) / std, rounded after each of the three steps.
#pragma once

#include <array>
#include <vector>

#include "engine/graph/model.h"
#include "loaders/images/image.h"

namespace adaq {

class Normaliser {
  public:
    /// Throws DataError unless preprocessing has `channels` means and stds, the latter above 0.
    Normaliser(const Preprocessing& preprocessing, int channels);

    /// Writes image.pixels.size() floats in the same (HWC) order.
    void run(const Image& image, float* out) const;

    /// What a pixel of this channel becomes.
    float value(size_t channel, uint8_t pixel) const { return value_[channel][pixel]; }

    /// Numbers in a block of the vectorised loop: a multiple of 3 channels and of 8 lanes.
    static constexpr size_t kBlock = 24;

  private:
    bool fast_is_exact() const;
    void look_up(const uint8_t* pixels, size_t count, float* out) const;

    std::vector<std::array<float, 256>> value_;       // per channel: every possible result
    std::array<float, kBlock> mean_, std_, inverse_;  // repeating with the channels; inverse_ = 1 / std_
    bool fast_ = false;                               // the vectorised loop may be used
};

}  // namespace adaq
