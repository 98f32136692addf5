// MNIST's IDX files for tests, written byte by byte.
#pragma once

#include <zlib.h>

#include <string>

#include "support/image_fixtures.h"

namespace adaq::test {

inline std::string big_endian(uint32_t number) {
    return {static_cast<char>(number >> 24), static_cast<char>(number >> 16), static_cast<char>(number >> 8),
            static_cast<char>(number)};
}

/// `count` images of height x width; pixel i of the file is (7 i) mod 256.
inline std::string idx_images(uint32_t count, uint32_t height, uint32_t width) {
    std::string file = big_endian(0x803) + big_endian(count) + big_endian(height) + big_endian(width);
    for (uint32_t i = 0; i < count * height * width; ++i) file += static_cast<char>(7 * i);
    return file;
}

inline std::string idx_labels(const std::string& labels) {
    return big_endian(0x801) + big_endian(static_cast<uint32_t>(labels.size())) + labels;
}

inline std::string write_gzipped(const TemporaryFolder& folder, const std::string& name, const std::string& content) {
    const std::string path = folder / name;
    gzFile file = gzopen(path.c_str(), "wb");
    gzwrite(file, content.data(), static_cast<unsigned>(content.size()));
    gzclose(file);
    return path;
}

}  // namespace adaq::test
