// See preprocessing_choice.h.
#include "loaders/preprocessing_choice.h"

#include <fmt/format.h>

#include <optional>

namespace adaq {

namespace {
constexpr int kDefaultResize = 256, kDefaultCrop = 224;
}

PreprocessingChoice choose_preprocessing(const std::vector<const Dataset*>& datasets, const Preprocessing& base) {
    PreprocessingChoice choice{base, ""};
    choice.preprocessing.resize = choice.preprocessing.crop = 0;
    std::optional<ImageSize> common;
    for (const Dataset* dataset : datasets) {
        for (int64_t item = 0; item < dataset->size(); ++item) {
            const ImageSize size = dataset->image_size(item);
            if (!common) common = size;
            if (size == *common) continue;
            choice.preprocessing.resize = kDefaultResize;
            choice.preprocessing.crop = kDefaultCrop;
            choice.sentence = fmt::format(
                "images differ in size ({} is {}x{}, the first {}x{}): resized to {} at the shorter edge, "
                "{}x{} cut from the centre",
                dataset->item_name(item), size.width, size.height, common->width, common->height, kDefaultResize,
                kDefaultCrop, kDefaultCrop);
            return choice;
        }
    }
    const ImageSize size = common.value_or(ImageSize{});
    choice.sentence = fmt::format("all images are {}x{}: used as they are", size.width, size.height);
    return choice;
}

}  // namespace adaq
