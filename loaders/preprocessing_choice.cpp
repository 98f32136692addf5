// See preprocessing_choice.h.
#include "loaders/preprocessing_choice.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <map>
#include <numeric>
#include <utility>

#include "engine/error.h"

namespace adaq {

namespace {

constexpr int kDefaultResize = 256, kDefaultCrop = 224;
constexpr int64_t kCommonPercent = 95;  // from this share on, the other sizes are taken for mistakes
// Of a set of which 95 % share a size, fewer than 80 % do so among 400 images spread over it once in 10^20 sets.
constexpr int64_t kWideSample = 400, kWidePercent = 80;

/// All images of several data sets in one row.
class AllImages {
  public:
    explicit AllImages(const std::vector<const Dataset*>& datasets) : datasets_(datasets) {
        for (const Dataset* dataset : datasets) count_ += dataset->size();
    }
    int64_t count() const { return count_; }
    ImageSize size(int64_t place) const {
        const auto [dataset, item] = at(place);
        return dataset->image_size(item);
    }
    std::string name(int64_t place) const {
        const auto [dataset, item] = at(place);
        return dataset->item_name(item);
    }

  private:
    std::pair<const Dataset*, int64_t> at(int64_t place) const {
        size_t i = 0;
        while (place >= datasets_[i]->size()) place -= datasets_[i++]->size();
        return {datasets_[i], place};
    }

    const std::vector<const Dataset*>& datasets_;
    int64_t count_ = 0;
};

/// How many images have a size, and which is the first of them.
struct Share {
    int64_t images = 0, first = 0;
};

struct Sizes {
    std::map<std::pair<int, int>, Share> shares;  // by height and width
    std::pair<int, int> common;                   // the one that most have
    int64_t seen = 0;

    void add(ImageSize size, int64_t place) {
        const std::pair key(size.height, size.width);
        Share& share = shares.try_emplace(key, Share{0, place}).first->second;
        share.first = std::min(share.first, place);
        ++share.images;
        ++seen;
        if (seen == 1 || share.images > shares.at(common).images) common = key;
    }
    int64_t most() const { return shares.at(common).images; }
    bool differ_widely() const { return seen >= kWideSample && most() * 100 < seen * kWidePercent; }
    /// The first image of another size.
    int64_t first_but(std::pair<int, int> size) const {
        int64_t first = std::numeric_limits<int64_t>::max();
        for (const auto& [other, share] : shares) {
            if (other != size) first = std::min(first, share.first);
        }
        return first;
    }
};

/// Visits places spread over the whole row, so that a part of it tells of all.
Sizes sizes_of(const AllImages& images) {
    constexpr double kGolden = 0.6180339887498949;
    const int64_t count = images.count();
    int64_t step = std::max<int64_t>(1, static_cast<int64_t>(kGolden * static_cast<double>(count)));
    while (std::gcd(step, count) != 1) ++step;
    Sizes sizes;
    for (int64_t i = 0, place = 0; i < count && !sizes.differ_widely(); ++i, place = (place + step) % count)
        sizes.add(images.size(place), place);
    return sizes;
}

std::string text_of(std::pair<int, int> size) { return fmt::format("{}x{}", size.second, size.first); }

[[noreturn]] void refuse_few_others(const AllImages& images, const Sizes& sizes) {
    const int64_t other = sizes.first_but(sizes.common);
    const ImageSize size = images.size(other);
    const auto [height, width] = sizes.common;
    const std::string as_most_are =
        height == width ? fmt::format("`resize` {0} `crop` {0} brings all to the size that most have", height)
                        : "an image less decides";
    data_error(
        "{}: {}x{}, while {} of {} images are {}; say how to prepare them all: `resize` {} `crop` {} is usual, {}",
        images.name(other), size.width, size.height, sizes.most(), images.count(), text_of(sizes.common),
        kDefaultResize, kDefaultCrop, as_most_are);
}

}  // namespace

PreprocessingChoice choose_preprocessing(const std::vector<const Dataset*>& datasets, const Preprocessing& base) {
    PreprocessingChoice choice{base, ""};
    choice.preprocessing.resize = choice.preprocessing.crop = 0;
    const AllImages images(datasets);
    if (images.count() == 0) return choice;
    const Sizes sizes = sizes_of(images);
    if (sizes.shares.size() == 1) {
        choice.sentence = fmt::format("all images are {}: used as they are", text_of(sizes.common));
        return choice;
    }
    if (sizes.most() * 100 >= images.count() * kCommonPercent) refuse_few_others(images, sizes);
    choice.preprocessing.resize = kDefaultResize;
    choice.preprocessing.crop = kDefaultCrop;
    const ImageSize first = images.size(0);
    const int64_t other = sizes.first_but({first.height, first.width});
    const ImageSize differs = images.size(other);
    choice.sentence = fmt::format(
        "images differ in size ({} is {}x{}, the first {}x{}): resized to {} at the shorter edge, "
        "{}x{} cut from the centre",
        images.name(other), differs.width, differs.height, first.width, first.height, kDefaultResize, kDefaultCrop,
        kDefaultCrop);
    return choice;
}

}  // namespace adaq
