// See input_file.h.
#include "loaders/input_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "engine/error.h"

namespace adaq {

InputFile::InputFile(const std::string& path, const std::string& what)
    // O_NONBLOCK: opening a pipe that nobody writes to would wait for ever.
    : descriptor_(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)) {
    struct stat status {};
    std::string found;
    if (descriptor_ < 0 || ::fstat(descriptor_, &status) != 0)
        found = std::strerror(errno);
    else if (S_ISDIR(status.st_mode))
        found = "a folder";
    else if (!S_ISREG(status.st_mode))
        found = "a device or pipe";
    bytes_ = status.st_size;
    if (found.empty()) return;
    if (descriptor_ >= 0) ::close(descriptor_);
    data_error("{}: {}, expected {}", path, found, what);
}

InputFile::~InputFile() { ::close(descriptor_); }

std::string read_whole_file(const std::string& path, const std::string& what, int64_t limit) {
    const InputFile file(path, what);
    if (file.bytes() > limit) data_error("{}: {} bytes, expected {} of at most {}", path, file.bytes(), what, limit);
    std::string content(file.bytes(), '\0');
    size_t done = 0;
    while (done < content.size()) {
        const ssize_t count = ::read(file.descriptor(), content.data() + done, content.size() - done);
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) data_error("{}: cannot be read ({}), expected {}", path, std::strerror(errno), what);
        if (count == 0) break;  // it has shrunk meanwhile
        done += count;
    }
    content.resize(done);
    return content;
}

}  // namespace adaq
