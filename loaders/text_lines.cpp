// See text_lines.h.
#include "loaders/text_lines.h"

#include "engine/error.h"
#include "loaders/input_file.h"

namespace adaq {

namespace {

constexpr int64_t kMaxFileBytes = 64 << 20;
constexpr size_t kMaxLineBytes = 64 << 10;

}  // namespace

std::string_view trimmed(std::string_view text) {
    constexpr std::string_view kBlank = " \t\r\n\x1A";  // DOS ends files with the last
    const size_t from = text.find_first_not_of(kBlank);
    if (from == std::string_view::npos) return {};
    return text.substr(from, text.find_last_not_of(kBlank) + 1 - from);
}

TextFile::TextFile(const std::string& path, const std::string& what)
    : content_(read_whole_file(path, what, kMaxFileBytes)) {
    std::string_view rest = content_;
    if (rest.starts_with("\xFF\xFE") || rest.starts_with("\xFE\xFF"))
        data_error("{}: UTF-16 text, expected {} in UTF-8", path, what);
    if (rest.starts_with("\xEF\xBB\xBF")) rest.remove_prefix(3);
    for (int64_t number = 1; !rest.empty(); ++number) {
        const size_t end = rest.find_first_of("\r\n");
        const std::string_view line = trimmed(rest.substr(0, end));
        if (line.size() > kMaxLineBytes)
            data_error("{}, line {}: {} characters, expected {} with at most {} a line", path, number, line.size(),
                       what, kMaxLineBytes);
        if (!line.empty()) lines_.push_back({number, line});
        if (end == std::string_view::npos) break;
        rest.remove_prefix(end + (rest.substr(end).starts_with("\r\n") ? 2 : 1));
    }
    if (lines_.empty()) data_error("{}: nothing in it, expected {}", path, what);
}

}  // namespace adaq
