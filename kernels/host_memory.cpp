#include "kernels/host_memory.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "engine/error.h"
#include "kernels/control_groups.h"

namespace adaq {
namespace {

int64_t available_in_system(const std::string& root) {
    std::ifstream file(root + "/proc/meminfo");
    for (std::string key, line; file >> key; std::getline(file, line)) {
        int64_t kibibytes = 0;
        if (key == "MemAvailable:" && file >> kibibytes) return kibibytes * 1024;
    }
    return kUnlimitedMemory;
}

/// A new file in the folder whose name is taken away at once.
int open_nameless(const std::string& folder) {
    std::string name = folder + "/adaq-spill-XXXXXX";
    const int descriptor = mkostemp(name.data(), O_CLOEXEC);
    if (descriptor >= 0) unlink(name.c_str());
    return descriptor;
}

}  // namespace

std::string temporary_folder() {
    std::error_code error;
    const std::filesystem::path folder = std::filesystem::temp_directory_path(error);
    if (!error) return folder.string();
    const char* named = std::getenv("TMPDIR");
    data_error("TMPDIR: {}, expected a folder for what memory does not hold", named ? named : "not a folder");
}

int64_t free_host_memory(const std::string& root) {
    return std::min(available_in_system(root), memory_left_by_groups(root));
}

SpillFile::SpillFile(const std::string& folder, size_t bytes) : bytes_(std::max<size_t>(bytes, 1)) {
    const int descriptor = open_nameless(folder);
    if (descriptor < 0) data_error("{}: cannot hold what memory does not: {}", folder, std::strerror(errno));
    // Room is taken now: running out of it while the memory is used would end the program.
    const int status = posix_fallocate(descriptor, 0, static_cast<off_t>(bytes_));
    void* const data =
        status == 0 ? mmap(nullptr, bytes_, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0) : MAP_FAILED;
    const int error = status == 0 ? errno : status;
    close(descriptor);
    if (data == MAP_FAILED)
        data_error("{}: no room for {} MB that memory does not hold: {}", folder, bytes_ / 1000000,
                   std::strerror(error));
    data_ = data;
}

SpillFile::~SpillFile() {
    if (data_) munmap(data_, bytes_);
}

}  // namespace adaq
