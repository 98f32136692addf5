// The host's memory: how much of it is free, and memory that lies in a file where there is too little.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

namespace adaq {

/// Bytes that this process could take now without swapping: what the system has available, or what its control groups
/// leave (kernels/control_groups.h), whichever is less. root: the folder in whose proc/ and sys/ to look.
int64_t free_host_memory(const std::string& root = "/");

/// The folder for temporary files. Throws DataError where TMPDIR names none.
std::string temporary_folder();

/// Writable memory backed by a file without a name, at a multiple of the page size. The system may write its pages out
/// and drop them; the file is gone when the object or the process is.
class SpillFile {
  public:
    SpillFile() = default;
    /// Throws DataError naming the folder where it cannot be written to or has too little room.
    SpillFile(const std::string& folder, size_t bytes);
    SpillFile(SpillFile&& other) noexcept
        : data_(std::exchange(other.data_, nullptr)), bytes_(std::exchange(other.bytes_, 0)) {}
    SpillFile& operator=(SpillFile&& other) noexcept {
        std::swap(data_, other.data_);
        std::swap(bytes_, other.bytes_);
        return *this;
    }
    ~SpillFile();

    void* data() const { return data_; }  // null: none

  private:
    void* data_ = nullptr;
    size_t bytes_ = 0;
};

}  // namespace adaq
