// MNIST's IDX format, gzipped or not. An images file is: 0x00000803, count, height, width (big-endian), then the
// pixels; a labels file: 0x00000801, count, one byte a label. zlib reads both plain and gzipped files.
#include <unistd.h>
#include <zlib.h>

#include <filesystem>

#include "engine/error.h"
#include "loaders/datasets/kinds.h"
#include "loaders/images/limits.h"
#include "loaders/input_file.h"

namespace adaq {

namespace fs = std::filesystem;

namespace {

constexpr uint32_t kImagesMagic = 0x803, kLabelsMagic = 0x801;
constexpr int64_t kBestDeflateRatio = 1032;
constexpr int64_t kMaxIdxBytes = int64_t{1} << 32;

class GzipFile {
  public:
    explicit GzipFile(const std::string& path) : path_(path) {
        const InputFile file(path, "an IDX file");
        bytes_ = file.bytes();
        const int descriptor = ::dup(file.descriptor());
        file_ = gzdopen(descriptor, "rb");
        if (file_ == nullptr) data_error("{}: cannot be opened", path);
        gzbuffer(file_, 1 << 17);
    }
    ~GzipFile() { gzclose(file_); }
    GzipFile(const GzipFile&) = delete;
    GzipFile& operator=(const GzipFile&) = delete;

    void read(uint8_t* to, int64_t count) {
        constexpr int64_t kStep = 1 << 24;
        while (count > 0) {
            const int got = gzread(file_, to, static_cast<unsigned>(std::min(count, kStep)));
            if (got <= 0) data_error("{}: the IDX file is cut off or damaged ({} bytes missing)", path_, count);
            to += got;
            count -= got;
        }
    }

    uint32_t read_number() {
        uint8_t bytes[4];
        read(bytes, 4);
        return uint32_t{bytes[0]} << 24 | uint32_t{bytes[1]} << 16 | uint32_t{bytes[2]} << 8 | uint32_t{bytes[3]};
    }

    void expect_magic(uint32_t magic, const char* what) {
        if (const uint32_t found = read_number(); found != magic) {
            data_error("{}: starts with 0x{:08x}, expected 0x{:08x} (IDX {})", path_, found, magic, what);
        }
    }

    /// The rest of the file, which must be exactly `count` bytes.
    std::vector<uint8_t> read_rest(int64_t count) {
        if (count > kMaxIdxBytes || count / kBestDeflateRatio > bytes_) {
            data_error("{}: the header promises {} bytes of data, which {} bytes cannot hold", path_, count, bytes_);
        }
        std::vector<uint8_t> data(count);
        read(data.data(), count);
        uint8_t extra = 0;
        const int more = gzread(file_, &extra, 1);  // also makes zlib compare the checksum
        if (more < 0) data_error("{}: the IDX file is cut off or damaged (wrong checksum)", path_);
        if (more > 0) data_error("{}: more data than the header's {} bytes", path_, count);
        return data;
    }

  private:
    std::string path_;
    gzFile file_ = nullptr;
    int64_t bytes_ = 0;
};

class IdxDataset final : public Dataset {
  public:
    IdxDataset(std::string images, const std::string& labels, int label_offset);

    int64_t size() const override { return count_; }
    int label(int64_t item) const override { return has_labels() ? labels_.at(item) + label_offset_ : kNoLabel; }
    LabelSource label_source() const override { return labels_.empty() ? LabelSource::none : LabelSource::numbers; }
    const std::vector<std::string>& class_names() const override { return no_names_; }
    std::string item_name(int64_t item) const override { return fmt::format("{}, image {}", path_, item); }
    std::string describe() const override {
        return fmt::format("{} grey images of {}x{} {} in {}", count_, image_.width, image_.height,
                           has_labels() ? "with labels" : "without labels", path_);
    }
    void open(int64_t item, ImageReader& reader) const override;
    ImageSize image_size(int64_t) const override { return image_; }

  private:
    std::string path_;
    int label_offset_;
    int64_t count_ = 0;
    ImageSize image_;
    std::vector<uint8_t> pixels_, labels_;
    std::vector<std::string> no_names_;
};

IdxDataset::IdxDataset(std::string images, const std::string& labels, int label_offset)
    : path_(std::move(images)), label_offset_(label_offset) {
    GzipFile file(path_);
    file.expect_magic(kImagesMagic, "images");
    count_ = file.read_number();
    const int64_t height = file.read_number(), width = file.read_number();
    if (count_ == 0) data_error("{}: no images, expected at least one", path_);
    if (height < 1 || width < 1 || height > kMaxImagePixels / width || count_ > kMaxIdxBytes / (height * width)) {
        data_error("{}: the header says {} images of {}x{}, expected at most 4 GiB of pixels", path_, count_, width,
                   height);
    }
    image_ = {static_cast<int>(height), static_cast<int>(width)};
    pixels_ = file.read_rest(count_ * height * width);
    if (labels.empty()) return;
    GzipFile label_file(labels);
    label_file.expect_magic(kLabelsMagic, "labels");
    if (const int64_t found = label_file.read_number(); found != count_) {
        data_error("{}: {} labels, expected {} (one for each image of {})", labels, found, count_, path_);
    }
    labels_ = label_file.read_rest(count_);
}

void IdxDataset::open(int64_t item, ImageReader& reader) const {
    const size_t bytes = image_.pixels();
    require(item >= 0 && item < count_, "IDX: item {} of {}", item, count_);
    reader.open_pixels({pixels_.data() + item * bytes, bytes}, image_, 1, item_name(item));
}

std::string plain_or_gzipped(const fs::path& path) {
    std::error_code error;
    for (const char* ending : {"", ".gz"}) {
        const fs::path candidate = path.string() + ending;
        if (fs::is_regular_file(candidate, error)) return candidate.string();
    }
    return "";
}

}  // namespace

std::unique_ptr<Dataset> open_idx(const std::string& images, const std::string& labels, int label_offset) {
    return std::make_unique<IdxDataset>(images, labels, label_offset);
}

std::string find_idx_images(const std::string& folder, bool training) {
    return plain_or_gzipped(fs::path(folder) / (training ? "train-images-idx3-ubyte" : "t10k-images-idx3-ubyte"));
}

std::string find_idx_labels(const std::string& images) {
    const fs::path path(images);
    std::string name = path.filename().string();
    const size_t at = name.find("images-idx3");
    if (at == std::string::npos) return "";
    name.replace(at, 11, "labels-idx1");
    if (name.ends_with(".gz")) name.resize(name.size() - 3);
    return plain_or_gzipped(path.parent_path() / name);
}

}  // namespace adaq
