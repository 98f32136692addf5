// What tools/make_format_fixtures.py has written: files in every variant of the image formats, with Pillow's pixels.
#pragma once

#include "loaders/images/formats.h"
#include "support/image_fixtures.h"

namespace adaq::test {

/// One line of cases.json with its bytes.
struct FormatCase {
    std::string name;  // "bmp/16-bit"
    std::vector<uint8_t> file;
    bool refused = false;  // by Pillow
    Image pixels;          // RGB, unless refused

    bool is_of(const std::string& format) const { return name.rfind(format + "/", 0) == 0; }
    /// Whether this build has the format's library.
    bool is_built() const {
        const bool optional = is_of("webp") || is_of("tiff");
        return !optional || format_of(file) != nullptr;
    }
};

/// An image and what Pillow's bicubic resizing makes of it.
struct ResizeCase {
    Image from, to;
};

class FormatFixtures {
  public:
    static const FormatFixtures& get() {
        static const FormatFixtures fixtures;
        return fixtures;
    }

    std::vector<FormatCase> cases;
    std::vector<ResizeCase> resized;

    const FormatCase& named(const std::string& name) const {
        for (const FormatCase& each : cases)
            if (each.name == name) return each;
        throw std::runtime_error("no format fixture " + name);
    }

  private:
    FormatFixtures() {
        const std::vector<uint8_t> data = unzipped(fixtures_folder() + "/formats/cases.bin.gz");
        std::ifstream index(fixtures_folder() + "/formats/cases.json");
        const auto image = [&](const nlohmann::json& shape, size_t at) {
            Image result;
            result.reshape(shape.at(0), shape.at(1), shape.at(2));
            std::copy_n(data.begin() + static_cast<std::ptrdiff_t>(at), result.pixels.size(), result.pixels.begin());
            return result;
        };
        for (const auto& about : nlohmann::json::parse(index)) {
            if (about.contains("from_at")) {
                resized.push_back({image(about.at("from"), about.at("from_at")),  //
                                   image(about.at("shape"), about.at("pixels_at"))});
                continue;
            }
            FormatCase each;
            each.name = about.at("name");
            const auto from = data.begin() + about.at("file_at").get<std::ptrdiff_t>();
            each.file.assign(from, from + about.at("file_bytes").get<std::ptrdiff_t>());
            each.refused = about.contains("refused");
            if (!each.refused) each.pixels = image(about.at("shape"), about.at("pixels_at"));
            cases.push_back(std::move(each));
        }
    }

    static std::vector<uint8_t> unzipped(const std::string& path) {
        gzFile file = gzopen(path.c_str(), "rb");
        if (file == nullptr) throw std::runtime_error("no file " + path);
        std::vector<uint8_t> data(1 << 22);
        const int count = gzread(file, data.data(), static_cast<unsigned>(data.size()));
        gzclose(file);
        data.resize(static_cast<size_t>(count));
        return data;
    }
};

}  // namespace adaq::test
