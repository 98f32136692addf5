// Which pixels of an image become the network's input, as torchvision's transforms decide it. Nothing here touches
// pixels.
#pragma once

#include <cstdint>

#include "engine/model.h"
#include "loaders/images/image.h"

namespace adaq {

/// The part `source` of the image is resized to `resized`, of which `crop` is kept; what of `crop` lies outside
/// `resized` is black (zero). Then the result may be mirrored left to right.
struct ResizePlan {
    Window source;
    ImageSize resized;
    Window crop;
    bool flip = false;

    ImageSize output() const { return {crop.height, crop.width}; }
};

/// torchvision's Resize(resize) and CenterCrop(crop) on an image of this size; a step whose number is 0 is left out.
/// Throws DataError naming `name` if the resized image would be absurdly large.
ResizePlan plan_evaluation(ImageSize image, const Preprocessing& preprocessing, const std::string& name);

/// torchvision's RandomResizedCrop(output, scale 0.08 ... 1, ratio 3/4 ... 4/3) and RandomHorizontalFlip. The random
/// numbers are a function of (seed, index) alone.
ResizePlan plan_augmentation(ImageSize image, ImageSize output, uint64_t seed, uint64_t index);

/// Views of an image that learning may see beside itself (--calib-views), at most.
inline constexpr int kMostViews = 64;

/// View 0: as it is evaluated; 1: that mirrored; each later one: a random part of the output's proportions, 0.8 to 1 of
/// the largest such part along each edge, anywhere in the image, half of them mirrored. The random numbers are a
/// function of (seed, index, view) alone. evaluation: the image's plan_evaluation().
ResizePlan plan_view(ImageSize image, const ResizePlan& evaluation, int view, uint64_t seed, uint64_t index);

}  // namespace adaq
