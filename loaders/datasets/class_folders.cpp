// Class folders, as torchvision's ImageFolder reads them: DIR/<class>/<image>, or deeper in the class folder.
#include <algorithm>

#include "engine/error.h"
#include "loaders/datasets/kinds.h"

namespace adaq {

namespace {

class ClassFolders final : public Dataset {
  public:
    ClassFolders(std::string root, std::vector<std::string> folders, const DatasetOptions& options);

    int64_t size() const override { return static_cast<int64_t>(files_.size()); }
    int label(int64_t item) const override { return labels_[file(item).folder]; }
    LabelSource label_source() const override { return source_; }
    const std::vector<std::string>& class_names() const override { return classes_; }
    std::string item_name(int64_t item) const override {
        return join_path(join_path(root_, folders_[file(item).folder]), file(item).name);
    }
    std::string describe() const override {
        return fmt::format("{} images in {} class folders of {}", files_.size(), folders_.size(), root_);
    }
    void open(int64_t item, ImageReader& reader) const override { reader.open_file(item_name(item)); }
    ImageSize image_size(int64_t item) const override { return read_image_size(item_name(item)); }

  private:
    struct File {
        uint32_t folder;
        std::string name;  // from the class folder
    };
    bool take_classes_of(const std::vector<std::string>& names);
    void take_places(int offset);
    const File& file(int64_t item) const { return files_.at(item); }

    std::string root_;
    std::vector<std::string> folders_, classes_;
    std::vector<int> labels_;  // of each folder
    LabelSource source_ = LabelSource::places;
    std::vector<File> files_;
};

/// The folders' classes in a list of names that has them all.
bool ClassFolders::take_classes_of(const std::vector<std::string>& names) {
    const ClassIndex index(names);
    std::vector<int> labels;
    for (const std::string& folder : folders_) {
        const auto found = index.find(folder);
        if (!found) return false;
        labels.push_back(*found);
    }
    labels_ = std::move(labels);
    classes_ = names;
    return true;
}

void ClassFolders::take_places(int offset) {
    for (int place = 0; place < static_cast<int>(folders_.size()); ++place) labels_.push_back(place + offset);
    classes_.resize(std::max(0, offset));  // classes without a folder
    classes_.insert(classes_.end(), folders_.begin(), folders_.end());
}

ClassFolders::ClassFolders(std::string root, std::vector<std::string> folders, const DatasetOptions& options)
    : root_(std::move(root)), folders_(std::move(folders)) {
    sort_class_names(folders_, options.class_order.value_or(ClassOrder::text));
    const bool all_there = static_cast<int>(folders_.size()) == options.classes;
    const bool others = options.classes > 0 && !all_there && std::ssize(options.other_class_names) == options.classes;
    if (!options.class_order && take_classes_of(options.class_names)) {
        source_ = LabelSource::model_names;
    } else if (!others || !take_classes_of(options.other_class_names)) {
        take_places(options.label_offset);
    }
    for (uint32_t folder = 0; folder < folders_.size(); ++folder) {
        const std::string path = join_path(root_, folders_[folder]);
        std::vector<std::string> images = list_images_below(path);
        if (images.empty()) data_error("{}: no images, expected at least one in each class folder", path);
        for (std::string& name : images) files_.push_back({folder, std::move(name)});
    }
}

}  // namespace

std::unique_ptr<Dataset> open_class_folders(const std::string& root, std::vector<std::string> folders,
                                            const DatasetOptions& options) {
    return std::make_unique<ClassFolders>(root, std::move(folders), options);
}

}  // namespace adaq
