// Which pixels of an image become the network's input, as torchvision's transforms decide it. Nothing here touches
// pixels.
#pragma once

#include <cstdint>

#include "engine/graph/model.h"
#include "loaders/images/image.h"

namespace adaq {

/// The part `source` of the image is resized to `resized`, of which `crop` is kept; what of `crop` lies outside
/// `resized` is black (zero), or with `reflect` what lies as far inside the border. Then the result may be mirrored
/// left to right.
struct ResizePlan {
    Rectangle source;
    ImageSize resized;
    Rectangle crop;
    bool flip = false, reflect = false;
    Interpolation interpolation = Interpolation::bilinear;

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

/// View 0: as it is evaluated; 1: that mirrored; each later one: at the same scale another part, anywhere in the image
/// and up to an eighth of the part's edge beyond its border, which is reflected there; half of them mirrored. The
/// random numbers are a function of (seed, index, view) alone. evaluation: the image's plan_evaluation().
ResizePlan plan_view(const ResizePlan& evaluation, int view, uint64_t seed, uint64_t index);

}  // namespace adaq
