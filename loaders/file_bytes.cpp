// read() until the file's size is reached; see file_bytes.h.
#include "loaders/file_bytes.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <new>

#include "engine/error.h"
#include "engine/printable.h"

namespace adaq {
namespace {

struct Descriptor {
    int number;
    ~Descriptor() {
        if (number >= 0) close(number);
    }
};

/// Without touching the pages: they are taken as the file fills them.
std::unique_ptr<std::byte[]> room_for(const std::string& path, size_t size) {
    try {
        return std::make_unique_for_overwrite<std::byte[]>(size);
    } catch (const std::bad_alloc&) {
        data_error("{}: no memory for its {} bytes", printable(path), size);
    }
}

}  // namespace

FileBytes::FileBytes(const std::string& path, size_t most_bytes) {
    // O_NONBLOCK: opening a pipe that nobody writes to would wait for ever.
    const Descriptor file{open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
    if (file.number < 0) data_error("{}: {}", printable(path), std::strerror(errno));
    struct stat status {};
    if (fstat(file.number, &status) != 0) data_error("{}: {}", printable(path), std::strerror(errno));
    if (S_ISDIR(status.st_mode)) data_error("{}: a directory, expected a file", printable(path));
    if (!S_ISREG(status.st_mode)) data_error("{}: a device or pipe, expected a file", printable(path));
    if (status.st_size == 0) data_error("{}: an empty file", printable(path));
    size_ = status.st_size;
    if (size_ > most_bytes) data_error("{}: {} bytes, expected at most {}", printable(path), size_, most_bytes);
    bytes_ = room_for(path, size_);
    for (size_t done = 0; done < size_;) {
        const ssize_t count = read(file.number, bytes_.get() + done, size_ - done);
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) data_error("{}: cannot be read: {}", printable(path), std::strerror(errno));
        if (count == 0) data_error("{}: cut from {} bytes to {} while it was read", printable(path), size_, done);
        done += count;
    }
}

}  // namespace adaq
