// Reading what a user names as a file: text files whole, and the refusal of what is no file at all. A pipe would be
// waited for, a device has no end; neither is opened for longer than it takes to see what it is.
#pragma once

#include <cstdint>
#include <string>

namespace adaq {

/// The descriptor of a regular file, open for reading. `what` says what it should hold: "a label file". DataError,
/// naming the path, if it is missing, unreadable, a folder, a pipe or a device.
class InputFile {
  public:
    InputFile(const std::string& path, const std::string& what);
    ~InputFile();
    InputFile(const InputFile&) = delete;
    InputFile& operator=(const InputFile&) = delete;

    int descriptor() const { return descriptor_; }
    int64_t bytes() const { return bytes_; }  // when it was opened

  private:
    int descriptor_;
    int64_t bytes_ = 0;
};

/// The whole content of a file of at most `limit` bytes. DataError as above, and if it is larger.
std::string read_whole_file(const std::string& path, const std::string& what, int64_t limit);

}  // namespace adaq
