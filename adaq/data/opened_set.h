// A data set that is open, and where it was found.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <string>

#include "loaders/datasets/dataset.h"

namespace adaq {

class OpenedSet {
  public:
    /// path: empty for a caller's own images. checksum: of all images, computed where somebody asks for it.
    OpenedSet(std::string path, std::unique_ptr<Dataset> dataset,
              std::function<std::string(const Dataset& dataset, const std::string& path)> checksum)
        : path_(std::move(path)), dataset_(std::move(dataset)), checksum_(std::move(checksum)) {}

    const std::string& path() const { return path_; }
    const Dataset& dataset() const { return *dataset_; }
    /// In hexadecimal. Throws DataError for a file that cannot be read.
    const std::string& crc32() const {
        std::call_once(once_, [this] { crc32_ = checksum_(*dataset_, path_); });
        return crc32_;
    }

  private:
    std::string path_;
    std::unique_ptr<Dataset> dataset_;
    std::function<std::string(const Dataset&, const std::string&)> checksum_;
    mutable std::once_flag once_;
    mutable std::string crc32_;
};

}  // namespace adaq
