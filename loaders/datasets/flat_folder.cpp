// A flat folder of images in name order, with labels from a text file or without.
#include "engine/error.h"
#include "loaders/datasets/kinds.h"

namespace adaq {

namespace {

class FlatFolder final : public Dataset {
  public:
    FlatFolder(std::string root, std::vector<std::string> images, std::vector<int> labels,
               std::vector<std::string> classes)
        : root_(std::move(root)),
          images_(std::move(images)),
          labels_(std::move(labels)),
          classes_(std::move(classes)) {}

    int64_t size() const override { return static_cast<int64_t>(images_.size()); }
    int label(int64_t item) const override { return has_labels() ? labels_.at(static_cast<size_t>(item)) : kNoLabel; }
    bool has_labels() const override { return !labels_.empty(); }
    const std::vector<std::string>& class_names() const override { return classes_; }
    std::string item_name(int64_t item) const override {
        return join_path(root_, images_.at(static_cast<size_t>(item)));
    }
    std::string describe() const override {
        return fmt::format("{} images {} in {}", images_.size(), has_labels() ? "with labels" : "without labels",
                           root_);
    }
    void open(int64_t item, ImageReader& reader) const override { reader.open_file(item_name(item)); }
    ImageSize image_size(int64_t item) const override { return read_image_size(item_name(item)); }

  private:
    std::string root_;
    std::vector<std::string> images_;
    std::vector<int> labels_;
    std::vector<std::string> classes_;
};

}  // namespace

std::unique_ptr<Dataset> open_flat_folder(const std::string& root, std::vector<std::string> images,
                                          const std::string& label_file,
                                          const std::vector<std::string>& known_classes) {
    std::vector<int> labels;
    if (!label_file.empty()) labels = read_label_file(label_file, images, known_classes);
    return std::make_unique<FlatFolder>(root, std::move(images), std::move(labels), known_classes);
}

}  // namespace adaq
