// See folder_lock.h.
#include "loaders/folder_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

#include "engine/error.h"

namespace adaq {

FolderLock::FolderLock(const std::string& folder, const std::string& option, const std::string& who) {
    std::error_code error;
    std::filesystem::create_directories(folder, error);
    if (error) data_error("{} {}: {}", option, folder, error.message());
    file_ = open((folder + "/lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (file_ < 0) data_error("{} {}: cannot be written to: {}", option, folder, std::strerror(errno));
    if (flock(file_, LOCK_EX | LOCK_NB) == 0) return;
    const int error_number = errno;
    close(file_);
    if (error_number == EWOULDBLOCK) data_error("{} {}: {} is using it", option, folder, who);
    data_error("{} {}: cannot be locked: {}", option, folder, std::strerror(error_number));
}

FolderLock::~FolderLock() { close(file_); }

}  // namespace adaq
