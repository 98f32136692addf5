// mmap behind a destructor; see mapped_file.h.
#include "loaders/mapped_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "engine/error.h"

namespace adaq {
namespace {

struct Descriptor {
    int number;
    ~Descriptor() {
        if (number >= 0) close(number);
    }
};

}  // namespace

MappedFile::MappedFile(const std::string& path) {
    // O_NONBLOCK: opening a pipe that nobody writes to would wait for ever.
    const Descriptor file{open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
    if (file.number < 0) data_error("{}: {}", path, std::strerror(errno));
    struct stat status {};
    if (fstat(file.number, &status) != 0) data_error("{}: {}", path, std::strerror(errno));
    if (S_ISDIR(status.st_mode)) data_error("{}: a directory, expected a file", path);
    if (!S_ISREG(status.st_mode)) data_error("{}: a device or pipe, expected a file", path);
    if (status.st_size == 0) data_error("{}: an empty file", path);
    const auto length = static_cast<size_t>(status.st_size);
    void* start = mmap(nullptr, length, PROT_READ, MAP_PRIVATE, file.number, 0);
    if (start == MAP_FAILED) data_error("{}: cannot be mapped: {}", path, std::strerror(errno));
    bytes_ = {static_cast<const std::byte*>(start), length};
}

MappedFile::~MappedFile() {
    if (!bytes_.empty()) munmap(const_cast<std::byte*>(bytes_.data()), bytes_.size());
}

}  // namespace adaq
