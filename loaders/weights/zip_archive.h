// A zip archive as torch.save writes them: entries stored without compression, zip64 where sizes ask for it. Only
// reading, only what such a file needs; the rest of zip (compression, encryption, several disks) is refused by name.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>

namespace adaq {

class ZipArchive {
  public:
    /// Reads the central directory. `file` (for errors) and `bytes` outlive the archive. DataError if the directory is
    /// damaged or truncated, or names an entry twice.
    ZipArchive(const std::string& file, std::span<const std::byte> bytes);

    bool has(const std::string& name) const { return entries_.contains(name); }

    /// The name of the entry whose path ends in `/name` (torch.save puts all under one folder); "" if there is none.
    std::string find_below_a_folder(const std::string& name) const;

    /// An entry's bytes, inside the archive's. DataError if there is no such entry, it is compressed, reaches beyond
    /// the file, or its CRC-32 is wrong (torch.save can leave checksums out: then it is 0 and not checked).
    std::span<const std::byte> read(const std::string& name) const;

  private:
    struct Entry {
        uint64_t header = 0, stored = 0, size = 0;  // bytes: place of the local header; size in the archive, unpacked
        uint32_t crc32 = 0;
        uint16_t method = 0, flags = 0;
    };
    void read_directory(uint64_t offset, uint64_t length, uint64_t count);

    const std::string& file_;
    std::span<const std::byte> bytes_;
    std::map<std::string, Entry> entries_;
};

}  // namespace adaq
