// Zip's central directory and stored entries (PKWARE's APPNOTE.TXT, sections 4.3 and 4.5); see zip_archive.h.
#include "loaders/weights/zip_archive.h"

#include <zlib.h>

#include <algorithm>

#include "engine/error.h"
#include "engine/printable.h"
#include "loaders/weights/byte_cursor.h"

namespace adaq {
namespace {

using Bytes = std::span<const std::byte>;

constexpr uint32_t kLocalHeader = 0x04034b50, kDirectoryEntry = 0x02014b50, kDirectoryEnd = 0x06054b50;
constexpr uint32_t kZip64End = 0x06064b50, kZip64Locator = 0x07064b50;
constexpr size_t kEndBytes = 22, kLocatorBytes = 20, kLongestComment = 65535;
constexpr uint16_t kSee64 = 0xffff;
constexpr uint32_t kSee64Long = 0xffffffff;

struct Directory {
    uint64_t offset, length, count;
};

/// Where the end record stands: the last one whose comment reaches exactly to the file's end.
size_t find_end(const std::string& file, Bytes bytes) {
    const size_t span = std::min(bytes.size(), kEndBytes + kLongestComment);
    size_t earlier = 0;  // where the last archive ends whose comment does not reach so far
    for (size_t back = kEndBytes; back <= span; ++back) {
        ByteCursor cursor(file, "the zip archive", bytes.subspan(bytes.size() - back));
        if (cursor.number<uint32_t>() != kDirectoryEnd) continue;
        cursor.take(16);
        const size_t length = kEndBytes + cursor.number<uint16_t>();
        if (length == back) return bytes.size() - back;
        if (length < back && earlier == 0) earlier = bytes.size() - back + length;
    }
    if (earlier > 0) data_error("{}: too long: {} bytes, its zip archive ends at {}", file, bytes.size(), earlier);
    data_error("{}: a zip archive without an end (truncated?)", file);
}

Directory read_zip64_end(const std::string& file, Bytes bytes, size_t end) {
    if (end < kLocatorBytes) data_error("{}: a broken zip archive: no place for its zip64 locator", file);
    ByteCursor locator(file, "the zip64 locator", bytes.subspan(end - kLocatorBytes, kLocatorBytes));
    if (locator.number<uint32_t>() != kZip64Locator) data_error("{}: a broken zip archive: no zip64 locator", file);
    locator.take(4);
    const auto place = locator.number<uint64_t>();
    if (place > bytes.size()) data_error("{}: a broken zip archive: its zip64 end lies beyond the file", file);
    ByteCursor record(file, "the zip64 end record", bytes.subspan(place));
    if (record.number<uint32_t>() != kZip64End) data_error("{}: a broken zip archive: no zip64 end", file);
    record.take(8 + 2 + 2 + 4 + 4 + 8);
    const auto count = record.number<uint64_t>(), length = record.number<uint64_t>();
    return {record.number<uint64_t>(), length, count};
}

Directory find_directory(const std::string& file, Bytes bytes) {
    const size_t end = find_end(file, bytes);
    ByteCursor cursor(file, "the zip archive", bytes.subspan(end));
    cursor.take(4);
    const auto disk = cursor.number<uint16_t>(), first_disk = cursor.number<uint16_t>();
    cursor.take(2);
    const auto count = cursor.number<uint16_t>();
    const auto length = cursor.number<uint32_t>(), offset = cursor.number<uint32_t>();
    if (count == kSee64 || length == kSee64Long || offset == kSee64Long) return read_zip64_end(file, bytes, end);
    if (disk != 0 || first_disk != 0) data_error("{}: a zip archive of several disks, expected one", file);
    return {offset, length, count};
}

/// Replaces sizes that did not fit 32 bits by those of the extra field (id 1), which holds only these, in this order.
void read_zip64_extra(const std::string& file, Bytes extra, std::initializer_list<uint64_t*> sizes) {
    if (std::none_of(sizes.begin(), sizes.end(), [](const uint64_t* size) { return *size == kSee64Long; })) return;
    ByteCursor cursor(file, "a zip entry's extra field", extra);
    while (cursor.left() >= 4) {
        const auto id = cursor.number<uint16_t>(), length = cursor.number<uint16_t>();
        const Bytes field = cursor.take(length);
        if (id != 1) continue;
        ByteCursor values(file, "a zip64 extra field", field);
        for (uint64_t* size : sizes)
            if (*size == kSee64Long) *size = values.number<uint64_t>();
        return;
    }
}

}  // namespace

ZipArchive::ZipArchive(const std::string& file, Bytes bytes) : file_(file), bytes_(bytes) {
    const auto [offset, length, count] = find_directory(file, bytes);
    if (offset > bytes.size() || length > bytes.size() - offset)
        data_error("{}: a broken zip archive: its directory lies beyond the file (truncated?)", file);
    read_directory(offset, length, count);
}

void ZipArchive::read_directory(uint64_t offset, uint64_t length, uint64_t count) {
    ByteCursor cursor(file_, "the zip archive's directory", bytes_.subspan(offset, length));
    for (uint64_t i = 0; i < count; ++i) {
        if (cursor.number<uint32_t>() != kDirectoryEntry)
            data_error("{}: a broken zip archive: entry {} of its directory", file_, i);
        Entry entry;
        cursor.take(4);
        entry.flags = cursor.number<uint16_t>();
        entry.method = cursor.number<uint16_t>();
        cursor.take(4);
        entry.crc32 = cursor.number<uint32_t>();
        entry.stored = cursor.number<uint32_t>();
        entry.size = cursor.number<uint32_t>();
        const auto name_length = cursor.number<uint16_t>(), extra_length = cursor.number<uint16_t>();
        const auto comment_length = cursor.number<uint16_t>();
        cursor.take(8);
        entry.header = cursor.number<uint32_t>();
        const std::string name(cursor.text(name_length));
        read_zip64_extra(file_, cursor.take(extra_length), {&entry.size, &entry.stored, &entry.header});
        cursor.take(comment_length);
        if (!entries_.emplace(name, entry).second)
            data_error("{}: the zip archive has {} twice", file_, printable(name));
    }
}

std::string ZipArchive::find_below_a_folder(const std::string& name) const {
    for (const auto& [path, entry] : entries_)
        if (path.ends_with("/" + name)) return path;
    return "";
}

std::span<const std::byte> ZipArchive::read(const std::string& name) const {
    const auto found = entries_.find(name);
    if (found == entries_.end()) data_error("{}: the archive has no {}", file_, printable(name));
    const Entry& entry = found->second;
    if (entry.method != 0 || entry.stored != entry.size || (entry.flags & 1) != 0)
        data_error("{}: {} is compressed or encrypted in the archive, torch.save stores it as it is", file_,
                   printable(name));
    if (entry.header > bytes_.size()) data_error("{}: {} lies beyond the file (truncated?)", file_, printable(name));
    ByteCursor cursor(file_, "a zip entry", bytes_.subspan(entry.header));
    if (cursor.number<uint32_t>() != kLocalHeader)
        data_error("{}: a broken zip archive: {} has no header", file_, printable(name));
    cursor.take(22);
    const auto name_length = cursor.number<uint16_t>(), extra_length = cursor.number<uint16_t>();
    if (cursor.text(name_length) != name)
        data_error("{}: a broken zip archive: {} has another name in its header", file_, printable(name));
    cursor.take(extra_length);
    const Bytes bytes = cursor.take(entry.size);
    const auto found_crc =
        static_cast<uint32_t>(crc32_z(0, reinterpret_cast<const Bytef*>(bytes.data()), bytes.size()));
    if (entry.crc32 != 0 && found_crc != entry.crc32)
        data_error("{}: {}'s bytes have CRC-32 {:08x}, the archive says {:08x} (damaged?)", file_, printable(name),
                   found_crc, entry.crc32);
    return bytes;
}

}  // namespace adaq
