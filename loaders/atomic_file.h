// Output files that are whole or not there: written beside their place, flushed to the disk, then renamed into it.
// Every file that adaq writes (weights, reports, logits) goes through here.
#pragma once

#include <cstddef>
#include <functional>
#include <span>
#include <string>
#include <string_view>

namespace adaq {

/// What a path leads to, through symbolic links, whether it is there or not: renaming onto a link would replace the
/// link. DataError where links go in a circle.
std::string link_target(const std::string& path);

/// A file being written. Nothing is seen under `path`, and what was there before stays, until commit().
/// Not committed (an error, a full disk): the temporary file is removed.
class AtomicFile {
  public:
    /// Creates a temporary file in the folder of `path` (a symbolic link is followed first).
    /// DataError if it cannot be created there or if `path` is something else than a regular file.
    explicit AtomicFile(const std::string& path);
    ~AtomicFile();
    AtomicFile(const AtomicFile&) = delete;
    AtomicFile& operator=(const AtomicFile&) = delete;

    /// Appends. DataError naming the path when the disk is full or fails.
    void write(std::span<const std::byte> bytes);
    void write(std::string_view text);

    /// Waits until the bytes are on the disk; DataError when that fails. commit() does it too: this is for settling
    /// several files before the first one is seen.
    void flush();

    /// Flushes and renames into place. DataError when that fails.
    void commit();

  private:
    [[noreturn]] void fail(int error_number);
    void discard();

    std::string shown_path_;  // as the user gave it, for messages
    std::string path_;        // with symbolic links resolved
    std::string temporary_;
    int descriptor_ = -1;
};

/// The whole of `contents` as the file `path`, or a DataError and no change on the disk.
void write_file_atomically(const std::string& path, std::string_view contents);

/// Removes the temporary files that writers have left in a folder when they were killed. written: which names they were
/// to have. For folders in which nobody is writing.
void remove_abandoned_files(const std::string& folder, const std::function<bool(const std::string& name)>& written);

}  // namespace adaq
