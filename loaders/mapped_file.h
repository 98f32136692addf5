// A file's bytes through mmap, unmapped when the object goes. Weights are read this way: nothing is copied before it is
// checked, and a file that lies about its sizes cannot make us allocate anything.
#pragma once

#include <cstddef>
#include <span>
#include <string>

namespace adaq {

class MappedFile {
  public:
    /// Maps `path` for reading. DataError, naming it, if it is missing, unreadable, empty, or not a regular file.
    explicit MappedFile(const std::string& path);
    ~MappedFile();
    MappedFile(const MappedFile&) = delete;
    MappedFile& operator=(const MappedFile&) = delete;

    std::span<const std::byte> bytes() const { return bytes_; }

  private:
    std::span<const std::byte> bytes_;
};

}  // namespace adaq
