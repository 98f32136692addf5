// Class folders, as torchvision's ImageFolder reads them: DIR/<class>/<image>.
#include <algorithm>

#include "engine/error.h"
#include "loaders/datasets/kinds.h"

namespace adaq {

namespace {

class ClassFolders final : public Dataset {
  public:
    ClassFolders(std::string root, std::vector<std::string> folders, const std::vector<std::string>& known_classes);

    int64_t size() const override { return static_cast<int64_t>(files_.size()); }
    int label(int64_t item) const override { return labels_[file(item).folder]; }
    bool has_labels() const override { return true; }
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
        std::string name;
    };
    const File& file(int64_t item) const { return files_.at(static_cast<size_t>(item)); }

    std::string root_;
    std::vector<std::string> folders_, classes_;
    std::vector<int> labels_;  // of each folder
    std::vector<File> files_;
};

ClassFolders::ClassFolders(std::string root, std::vector<std::string> folders,
                           const std::vector<std::string>& known_classes)
    : root_(std::move(root)), folders_(std::move(folders)), classes_(folders_) {
    std::vector<int> known;
    for (const std::string& folder : folders_) {
        const auto found = std::find(known_classes.begin(), known_classes.end(), folder);
        if (found != known_classes.end()) known.push_back(static_cast<int>(found - known_classes.begin()));
    }
    const bool by_name = known.size() == folders_.size();
    if (by_name) classes_ = known_classes;
    for (uint32_t folder = 0; folder < folders_.size(); ++folder) {
        labels_.push_back(by_name ? known[folder] : static_cast<int>(folder));
        const std::string path = join_path(root_, folders_[folder]);
        FolderListing listing = list_folder(path);
        if (!listing.folders.empty()) {
            data_error("{}: a folder inside a class folder, expected only images",
                       join_path(path, listing.folders.front()));
        }
        if (listing.images.empty()) data_error("{}: no images, expected at least one in each class folder", path);
        for (std::string& name : listing.images) files_.push_back({folder, std::move(name)});
    }
}

}  // namespace

std::unique_ptr<Dataset> open_class_folders(const std::string& root, std::vector<std::string> folders,
                                            const std::vector<std::string>& known_classes) {
    return std::make_unique<ClassFolders>(root, std::move(folders), known_classes);
}

}  // namespace adaq
