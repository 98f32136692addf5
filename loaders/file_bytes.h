// A whole file in memory: a snapshot, so that what was checked is what is used, whatever happens to the file meanwhile.
// (A mapping would end the program with SIGBUS where somebody cuts the file.)
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>

namespace adaq {

class FileBytes {
  public:
    static constexpr size_t kMostBytes = size_t{4} << 30;  // a ResNet-152 with its optimiser's state takes 0.7 GB

    /// Reads `path`. DataError, naming it, if it is missing, unreadable, empty, not a regular file, larger than
    /// `most_bytes`, or becomes shorter while it is read.
    explicit FileBytes(const std::string& path, size_t most_bytes = kMostBytes);

    std::span<const std::byte> bytes() const { return {bytes_.get(), size_}; }

  private:
    std::unique_ptr<std::byte[]> bytes_;
    size_t size_ = 0;
};

}  // namespace adaq
