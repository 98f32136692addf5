// 8-bit pixels to the network's input, in float32 as torchvision's ToTensor and Normalize compute it:
// (pixel / 255 - mean) / std, rounded after each of the three steps.
#pragma once

#include <array>
#include <vector>

#include "engine/model.h"
#include "loaders/images/image.h"

namespace adaq {

class Normaliser {
  public:
    /// Throws DataError unless preprocessing has `channels` means and stds, the latter above 0.
    Normaliser(const Preprocessing& preprocessing, int channels);

    /// Writes image.pixels.size() floats in the same (HWC) order.
    void run(const Image& image, float* out) const;

  private:
    std::vector<std::array<float, 256>> value_;  // per channel: every possible result
};

}  // namespace adaq
