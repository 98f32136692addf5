// Lines of a text file that a person or a spreadsheet has written: label files, class names.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace adaq {

struct TextLine {
    int64_t number;  // from 1
    std::string_view text;
};

/// Without blanks, tabs and line ends on both sides.
std::string_view trimmed(std::string_view text);

/// A text file's lines, trimmed, less the empty ones. They may end in LF, CR LF or CR, and a byte order mark may stand
/// before the first.
class TextFile {
  public:
    /// `what` says what the file should hold: "a label file". DataError as read_whole_file() (at most 64 MiB), if a
    /// line is longer than 64 KiB, if the file is UTF-16, or if nothing is in it.
    TextFile(const std::string& path, const std::string& what);
    TextFile(const TextFile&) = delete;
    TextFile& operator=(const TextFile&) = delete;

    const std::vector<TextLine>& lines() const { return lines_; }

  private:
    std::string content_;
    std::vector<TextLine> lines_;
};

}  // namespace adaq
