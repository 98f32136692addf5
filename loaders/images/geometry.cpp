// See geometry.h.
#include "loaders/images/geometry.h"

#include <algorithm>
#include <cmath>

#include "engine/error.h"
#include "loaders/images/limits.h"

namespace adaq {

namespace {

/// Python's round(): half to even.
int round_half_even(double value) { return static_cast<int>(std::nearbyint(value)); }

/// The shorter edge becomes `edge`; the longer one keeps the proportion, cut off to a whole pixel.
ImageSize resized_size(ImageSize image, int edge, const std::string& name) {
    const int shorter = std::min(image.height, image.width), longer = std::max(image.height, image.width);
    const double scaled = static_cast<double>(edge) * longer / shorter;
    if (scaled * edge > static_cast<double>(kMaxImagePixels)) {
        data_error("{}: {}x{} pixels would become {}x{:.0f} when resized, expected at most 2^28 pixels", name,
                   image.width, image.height, edge, scaled);
    }
    const int other = static_cast<int>(scaled);
    return image.width <= image.height ? ImageSize{other, edge} : ImageSize{edge, other};
}

/// Start of a centred crop; negative (rounded away from the image) where the image is smaller and is padded.
int crop_start(int extent, int crop) {
    if (crop > extent) return -((crop - extent) / 2);
    return round_half_even((extent - crop) / 2.0);
}

/// A counter-based generator (SplitMix64's mixing function over key + n * increment): the n-th number needs no state.
class Counter {
  public:
    Counter(uint64_t seed, uint64_t index) : key_(mix(mix(seed + kIncrement) ^ (index * kIncrement + 1))) {}

    /// In [0, 1).
    double uniform() { return static_cast<double>(mix(key_ + kIncrement * ++count_) >> 11) * 0x1.0p-53; }
    double uniform(double from, double to) { return from + (to - from) * uniform(); }
    /// 0 ... limit - 1
    int below(int limit) { return static_cast<int>(uniform() * limit); }

  private:
    static constexpr uint64_t kIncrement = 0x9E3779B97F4A7C15u;

    static uint64_t mix(uint64_t z) {
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
        return z ^ (z >> 31);
    }

    uint64_t key_, count_ = 0;
};

/// The largest centred part with an allowed ratio: what torchvision falls back to when ten draws did not fit.
Rectangle central_part(ImageSize image, double min_ratio, double max_ratio) {
    const double ratio = static_cast<double>(image.width) / image.height;
    int height = image.height, width = image.width;
    if (ratio < min_ratio) height = round_half_even(width / min_ratio);
    if (ratio > max_ratio) width = round_half_even(height * max_ratio);
    return {(image.height - height) / 2, (image.width - width) / 2, height, width};
}

Rectangle random_part(ImageSize image, Counter& random) {
    constexpr double kMinScale = 0.08, kMaxScale = 1.0, kMinRatio = 3.0 / 4.0, kMaxRatio = 4.0 / 3.0;
    constexpr int kDraws = 10;
    for (int draw = 0; draw < kDraws; ++draw) {
        const double area = static_cast<double>(image.height) * image.width * random.uniform(kMinScale, kMaxScale);
        const double ratio = std::exp(random.uniform(std::log(kMinRatio), std::log(kMaxRatio)));
        const int width = round_half_even(std::sqrt(area * ratio)), height = round_half_even(std::sqrt(area / ratio));
        if (width <= 0 || width > image.width || height <= 0 || height > image.height) continue;
        const int y = random.below(image.height - height + 1);
        return {y, random.below(image.width - width + 1), height, width};
    }
    return central_part(image, kMinRatio, kMaxRatio);
}

/// Where a crop begins that may lie anywhere in `resized`, or reach out by `beyond` of it.
int moved_start(int resized, int crop, int beyond, Counter& random) {
    const int first = std::min(0, resized - crop) - beyond, last = std::max(0, resized - crop) + beyond;
    return first + random.below(last - first + 1);
}

}  // namespace

ResizePlan plan_evaluation(ImageSize image, const Preprocessing& preprocessing, const std::string& name) {
    ResizePlan plan;
    plan.source = {0, 0, image.height, image.width};
    plan.resized = preprocessing.resize > 0 ? resized_size(image, preprocessing.resize, name) : image;
    plan.crop = {0, 0, plan.resized.height, plan.resized.width};
    if (const int crop = preprocessing.crop; crop > 0) {
        plan.crop = {crop_start(plan.resized.height, crop), crop_start(plan.resized.width, crop), crop, crop};
    }
    plan.interpolation = preprocessing.interpolation;
    return plan;
}

ResizePlan plan_augmentation(ImageSize image, ImageSize output, uint64_t seed, uint64_t index) {
    Counter random(seed, index);
    ResizePlan plan;
    plan.source = random_part(image, random);
    plan.resized = output;
    plan.crop = {0, 0, output.height, output.width};
    plan.flip = random.uniform() < 0.5;
    return plan;
}

ResizePlan plan_view(const ResizePlan& evaluation, int view, uint64_t seed, uint64_t index) {
    constexpr int kShareBeyond = 8;  // of the crop's edge
    ResizePlan plan = evaluation;
    if (view <= 1) {
        plan.flip = view == 1;
        return plan;
    }
    Counter random(seed, index * kMostViews + static_cast<uint64_t>(view));
    const auto start = [&](int resized, int crop) {
        return moved_start(resized, crop, std::min(crop / kShareBeyond, resized - 1), random);  // some of it is seen
    };
    plan.crop.y = start(plan.resized.height, plan.crop.height);
    plan.crop.x = start(plan.resized.width, plan.crop.width);
    plan.reflect = true;
    plan.flip = random.uniform() < 0.5;
    return plan;
}

}  // namespace adaq
