// Write beside, fsync, rename; see atomic_file.h.
#include "loaders/atomic_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <string_view>

#include "engine/error.h"

namespace adaq {
namespace fs = std::filesystem;
namespace {

constexpr int kMostLinks = 40;  // as the kernel

/// Where the bytes shall end up. DataError where no file can be written there, as far as can be told from its name.
std::string resolve(const std::string& path) {
    std::error_code error;
    const fs::file_status status = fs::status(path, error);
    if (fs::is_directory(status)) data_error("{}: a directory, expected the name of a file to write", path);
    if (fs::exists(status) && !fs::is_regular_file(status)) data_error("{}: not a regular file, so not written", path);
    if (status.type() == fs::file_type::none) data_error("{}: cannot be written: {}", path, error.message());
    return link_target(path);
}

/// A name in the same folder that no other writer uses, in this process or another.
std::string temporary_name(const fs::path& path) {
    static std::atomic<unsigned> count{0};
    const std::string name = fmt::format(".{}.{}-{}.tmp", path.filename().string().substr(0, 200), getpid(), count++);
    return (path.parent_path() / name).string();
}

bool are_digits(std::string_view text) {
    return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

/// The name that a file with such a temporary name was to have; empty for another name.
std::string final_name(std::string_view temporary) {
    constexpr std::string_view kEnd = ".tmp";
    if (!temporary.starts_with('.') || !temporary.ends_with(kEnd)) return "";
    temporary.remove_suffix(kEnd.size());
    const size_t dot = temporary.rfind('.');
    const size_t hyphen = temporary.find('-', dot);
    if (dot < 2 || hyphen == std::string_view::npos) return "";
    if (!are_digits(temporary.substr(dot + 1, hyphen - dot - 1)) || !are_digits(temporary.substr(hyphen + 1)))
        return "";
    return std::string(temporary.substr(1, dot - 1));
}

fs::path folder_of(const fs::path& file) { return file.has_parent_path() ? file.parent_path() : fs::path("."); }

/// Makes the rename itself survive a power cut. Some file systems cannot; the file is whole either way.
void flush_folder(const fs::path& file) {
    const int descriptor = open(folder_of(file).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (descriptor < 0) return;
    (void)fsync(descriptor);
    close(descriptor);
}

}  // namespace

std::string link_target(const std::string& path) {
    std::error_code error;
    fs::path target = path;
    for (int links = 0; fs::is_symlink(fs::symlink_status(target, error)); ++links) {
        if (links == kMostLinks) data_error("{}: cannot be written: its links go in a circle", path);
        target = target.parent_path() / fs::read_symlink(target, error);
        if (error) data_error("{}: cannot be written: {}", path, error.message());
    }
    return target.string();
}

AtomicFile::AtomicFile(const std::string& path)
    : shown_path_(path), path_(resolve(path)), temporary_(temporary_name(path_)) {
    descriptor_ = open(temporary_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (descriptor_ >= 0) return;
    const int error_number = errno;
    const fs::path folder = folder_of(path_);
    std::error_code ignored;
    if (!fs::is_directory(folder, ignored))
        data_error("{}: cannot be written: there is no folder {}", shown_path_, folder.string());
    data_error("{}: cannot be written: {}", shown_path_, std::strerror(error_number));
}

AtomicFile::~AtomicFile() { discard(); }

void AtomicFile::discard() {
    if (descriptor_ < 0) return;
    close(descriptor_);
    descriptor_ = -1;
    unlink(temporary_.c_str());
}

void AtomicFile::fail(int error_number) {
    discard();
    data_error("{}: cannot be written: {}", shown_path_, std::strerror(error_number));
}

void AtomicFile::write(std::span<const std::byte> bytes) {
    require(descriptor_ >= 0, "{}: written after commit()", shown_path_);
    while (!bytes.empty()) {
        const ssize_t written = ::write(descriptor_, bytes.data(), bytes.size());
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) fail(errno);
        bytes = bytes.subspan(written);
    }
}

void AtomicFile::write(std::string_view text) { write(std::as_bytes(std::span(text))); }

void AtomicFile::flush() {
    require(descriptor_ >= 0, "{}: flushed after commit()", shown_path_);
    if (fsync(descriptor_) != 0) fail(errno);
}

void AtomicFile::commit() {
    flush();
    if (std::rename(temporary_.c_str(), path_.c_str()) != 0) fail(errno);
    close(descriptor_);
    descriptor_ = -1;
    flush_folder(path_);
}

void write_file_atomically(const std::string& path, std::string_view contents) {
    AtomicFile file(path);
    file.write(contents);
    file.commit();
}

void remove_abandoned_files(const std::string& folder, const std::function<bool(const std::string& name)>& written) {
    std::error_code error;
    std::vector<fs::path> abandoned;
    for (fs::directory_iterator entry(folder, error), end; !error && entry != end; entry.increment(error))
        if (const std::string name = final_name(entry->path().filename().string());
            !name.empty() && written(name) && fs::is_regular_file(entry->symlink_status(error)))
            abandoned.push_back(entry->path());
    for (const fs::path& path : abandoned) fs::remove(path, error);  // what stays costs room, nothing else
}

}  // namespace adaq
