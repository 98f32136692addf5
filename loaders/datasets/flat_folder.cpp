// A flat folder of images in name order, with labels from a text file or without.
#include "engine/error.h"
#include "loaders/datasets/kinds.h"

namespace adaq {

namespace {

class FlatFolder final : public Dataset {
  public:
    FlatFolder(std::string root, std::vector<std::string> images, FileLabels labels)
        : root_(std::move(root)), images_(std::move(images)), labels_(std::move(labels)) {}

    int64_t size() const override { return static_cast<int64_t>(images_.size()); }
    int label(int64_t item) const override { return has_labels() ? labels_.labels.at(item) : kNoLabel; }
    LabelSource label_source() const override { return labels_.source; }
    const std::vector<std::string>& class_names() const override { return labels_.class_names; }
    std::string item_name(int64_t item) const override { return join_path(root_, images_.at(item)); }
    std::string describe() const override {
        return fmt::format("{} images {} in {}", images_.size(), has_labels() ? "with labels" : "without labels",
                           root_);
    }
    void open(int64_t item, ImageReader& reader) const override { reader.open_file(item_name(item)); }
    ImageSize image_size(int64_t item) const override { return read_image_size(item_name(item)); }

  private:
    std::string root_;
    std::vector<std::string> images_;
    FileLabels labels_;
};

}  // namespace

std::unique_ptr<Dataset> open_flat_folder(const std::string& root, std::vector<std::string> images,
                                          const LabelPlace& labels, const DatasetOptions& options) {
    FileLabels found{{}, LabelSource::none, options.class_names};
    if (!labels.file.empty()) found = read_label_file(labels.file, labels.lines, images, options);
    return std::make_unique<FlatFolder>(root, std::move(images), std::move(found));
}

}  // namespace adaq
