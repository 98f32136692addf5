// What tools/make_image_fixtures.py has written: images, and what Pillow and torchvision make of them.
#pragma once

#include <zlib.h>

#include <cstring>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "engine/error.h"
#include "loaders/images/image.h"
#include "support/places.h"
#include "support/temporary_folder.h"

namespace adaq::test {

inline std::string image_fixture(const std::string& name) { return fixtures_folder() + "/images/" + name; }

inline std::vector<uint8_t> file_bytes(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    if (!file) throw std::runtime_error("no file " + path);
    return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

/// One line of expected.json with its numbers.
struct ImageCase {
    nlohmann::json about;
    std::vector<uint8_t> bytes;

    std::string file() const { return about.at("file"); }
    int dimension(size_t axis) const { return about.at("shape").at(axis); }
    Image image() const { return {dimension(0), dimension(1), dimension(2), bytes}; }
    std::vector<float> floats() const {
        std::vector<float> values(bytes.size() / sizeof(float));
        std::memcpy(values.data(), bytes.data(), bytes.size());
        return values;
    }
};

/// All cases of a kind: "decode", "preprocess", "part" or "normalise".
inline std::vector<ImageCase> image_cases(const std::string& kind) {
    static const std::vector<uint8_t> all = [] {
        gzFile file = gzopen(image_fixture("expected.bin.gz").c_str(), "rb");
        std::vector<uint8_t> data(1 << 22);
        const int count = gzread(file, data.data(), static_cast<unsigned>(data.size()));
        gzclose(file);
        data.resize(static_cast<size_t>(count));
        return data;
    }();
    std::ifstream index(image_fixture("expected.json"));
    std::vector<ImageCase> cases;
    for (const auto& about : nlohmann::json::parse(index)) {
        if (about.at("kind") != kind) continue;
        size_t bytes = kind == "normalise" ? sizeof(float) : 1;
        for (const size_t extent : about.at("shape")) bytes *= extent;
        const auto from = all.begin() + about.at("offset").get<std::ptrdiff_t>();
        cases.push_back({about, {from, from + static_cast<std::ptrdiff_t>(bytes)}});
    }
    if (cases.empty()) throw std::runtime_error("no image fixtures of kind " + kind);
    return cases;
}

/// Writes a file into a test's folder, making the folders on its way, and returns its path.
inline std::string write_file(const TemporaryFolder& folder, const std::string& name, std::string_view content) {
    const std::filesystem::path path = folder / name;
    std::filesystem::create_directories(path.parent_path());
    std::filesystem::remove(path);  // much faster than writing over it, which some file systems flush to the disk
    std::ofstream(path, std::ios::binary).write(content.data(), static_cast<std::streamsize>(content.size()));
    return path.string();
}

inline std::string_view text_of(const std::vector<uint8_t>& bytes) {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// The message of the DataError that `work` throws, or "no error".
template <typename Work>
std::string data_error_of(const Work& work) {
    try {
        work();
    } catch (const DataError& error) {
        return error.what();
    }
    return "no error";
}

}  // namespace adaq::test
