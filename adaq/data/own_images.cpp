// See own_images.h.
#include "adaq/data/own_images.h"

#include <algorithm>
#include <cmath>

#include "adaq/data/fingerprints.h"
#include "adaq/state/guarded.h"
#include "engine/error.h"
#include "loaders/images/limits.h"

namespace adaq {
namespace {

class OwnImageSet : public Dataset {
  public:
    OwnImageSet(OwnImages images, int channels, const std::string& name)
        : images_(std::move(images)), channels_(channels), name_(name) {}

    int64_t size() const override { return images_.count; }
    int label(int64_t item) const override { return images_.labels.empty() ? kNoLabel : images_.labels[item]; }
    LabelSource label_source() const override {
        return images_.labels.empty() ? LabelSource::none : LabelSource::numbers;
    }
    const std::vector<std::string>& class_names() const override { return no_names_; }
    std::string item_name(int64_t item) const override { return fmt::format("`{}`, image {}", name_, item); }
    std::string describe() const override {
        return fmt::format("{} of the caller's own images, {}x{}", images_.count, images_.width, images_.height);
    }
    /// The pixels lie in the thread's own memory until it opens another.
    void open(int64_t item, ImageReader& reader) const override {
        thread_local std::vector<uint8_t> pixels;
        pixels.resize(values());
        by_caller([&] { images_.pixels(item, pixels); });
        reader.open_pixels(pixels, image_size(item), channels_, item_name(item));
    }
    ImageSize image_size(int64_t) const override { return {images_.height, images_.width}; }
    bool holds_inputs() const override { return static_cast<bool>(images_.inputs); }
    void write_input(int64_t item, std::span<float> input) const override {
        by_caller([&] { images_.inputs(item, input); });
        if (!std::all_of(input.begin(), input.end(), [](float v) { return std::isfinite(v); }))
            data_error("{}: a value that is not finite", item_name(item));
    }

  private:
    size_t values() const { return element_count({images_.height, images_.width, channels_}); }

    const OwnImages images_;
    int channels_;
    std::string name_;
    std::vector<std::string> no_names_;
};

}  // namespace

std::unique_ptr<Dataset> own_image_set(OwnImages images, int channels, int label_offset, const std::string& name) {
    const auto complain = [&](const std::string& what) { usage_error("`{}`: {}", name, what); };
    if (images.count < 0) complain(fmt::format("{} images", images.count));
    if (images.height < 1 || images.width < 1 || int64_t{images.height} * images.width > kMaxImagePixels)
        complain(fmt::format("images of {}x{} pixels", images.width, images.height));
    if (static_cast<bool>(images.pixels) == static_cast<bool>(images.inputs))
        complain("expected one of `pixels` and `inputs`");
    if (!images.labels.empty() && static_cast<int64_t>(images.labels.size()) != images.count)
        complain(fmt::format("{} labels of {} images", images.labels.size(), images.count));
    for (int& label : images.labels) {
        const int64_t moved = int64_t{label} + label_offset;
        if (moved != static_cast<int>(moved)) complain(fmt::format("label {} with `label_offset` added", label));
        label = static_cast<int>(moved);
    }
    return std::make_unique<OwnImageSet>(std::move(images), channels, name);
}

std::string crc32_of_own_images(const Dataset& dataset, int channels) {
    std::string all = fmt::format("{} ", dataset.holds_inputs() ? "inputs" : "pixels");
    ImageReader reader;
    Image image;
    for (int64_t item = 0; item < dataset.size(); ++item) {
        const ImageSize size = dataset.image_size(item);
        all += fmt::format("{}x{} {} ", size.width, size.height, dataset.label(item));
        if (dataset.holds_inputs()) {
            Tensor input({size.height, size.width, channels});
            dataset.write_input(item, input.values);
            all += fingerprint(input) + "\n";
        } else {
            dataset.open(item, reader);
            reader.read(channels, image);
            all += crc32_text({reinterpret_cast<const char*>(image.pixels.data()), image.pixels.size()}) + "\n";
        }
    }
    return crc32_text(all);
}

}  // namespace adaq
