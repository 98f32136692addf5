#include "loaders/onnx/external_data.h"

#include "engine/error.h"
#include "engine/printable.h"

namespace adaq::onnx {
namespace fs = std::filesystem;

std::string ExternalData::read(const DataElsewhere& data) {
    const std::span<const std::byte> all = bytes_of(data.location).bytes();
    const auto size = static_cast<int64_t>(all.size());
    const int64_t length = data.length.value_or(std::max<int64_t>(size - data.offset, 0));
    if (data.offset > size || length > size - data.offset)
        data_error("{}: {} has {} bytes, expected {} behind the first {}", file_, printable(data.location), size,
                   length, data.offset);
    const auto part = all.subspan(static_cast<size_t>(data.offset), static_cast<size_t>(length));
    return {reinterpret_cast<const char*>(part.data()), part.size()};
}

const FileBytes& ExternalData::bytes_of(const std::string& location) {
    std::unique_ptr<FileBytes>& held = files_[location];
    if (held) return *held;
    std::error_code error;
    const fs::path folder = fs::weakly_canonical(fs::absolute(file_).parent_path(), error);
    const fs::path path = fs::weakly_canonical(folder / location, error);
    const auto [end, rest] = std::mismatch(folder.begin(), folder.end(), path.begin(), path.end());
    const bool inside = !error && end == folder.end() && rest != path.end();
    if (location.empty() || fs::path(location).is_absolute() || !inside)
        data_error("{}: keeps tensors in \"{}\", expected a file in its own folder", file_, printable(location));
    held = std::make_unique<FileBytes>(path.string());
    return *held;
}

}  // namespace adaq::onnx
