#include "fuzz/targets.h"

#include <sys/mman.h>
#include <unistd.h>
#include <zlib.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <stdexcept>

#include "adaq/learning/unit_file.h"
#include "engine/error.h"
#include "loaders/datasets/kinds.h"
#include "loaders/images/image.h"
#include "loaders/onnx/message.h"
#include "loaders/weights/byte_cursor.h"
#include "loaders/weights/checks.h"
#include "loaders/weights/flat_header.h"
#include "loaders/weights/pickle.h"
#include "loaders/weights/pickled_state_dict.h"
#include "loaders/weights/weights.h"
#include "support/places.h"
#include "tools/sweep/cells.h"
#include "tools/sweep/table.h"

namespace adaq::fuzz {
namespace {

using Input = std::span<const uint8_t>;

/// What is wrong with a refusal: users get one line of bounded length.
void check_refusal(const std::exception& error) {
    const std::string text = error.what();
    if (text.find_first_of("\n\r") != std::string::npos) throw std::logic_error("an error of several lines: " + text);
    if (text.empty() || text.size() > 2000) throw std::logic_error("an error too short or too long: " + text);
}

/// Runs a parser, whose errors for users are what it may throw. Returns whether it took the input.
template <typename Parse>
bool accepted(Parse parse) {
    try {
        parse();
        return true;
    } catch (const DataError& error) {
        check_refusal(error);
    } catch (const UsageError& error) {
        check_refusal(error);
    }
    return false;
}

/// A file in memory, for parsers that take a path.
class MemoryFile {
  public:
    explicit MemoryFile(Input bytes) : descriptor_(memfd_create("input", MFD_CLOEXEC)) {
        if (descriptor_ < 0) throw std::runtime_error("no file in memory can be made");
        for (size_t done = 0; done < bytes.size();) {
            const ssize_t count = write(descriptor_, bytes.data() + done, bytes.size() - done);
            if (count < 0) throw std::runtime_error("the file in memory cannot be written");
            done += static_cast<size_t>(count);
        }
    }
    ~MemoryFile() { close(descriptor_); }
    MemoryFile(const MemoryFile&) = delete;
    MemoryFile& operator=(const MemoryFile&) = delete;
    std::string path() const { return "/proc/self/fd/" + std::to_string(descriptor_); }

  private:
    int descriptor_;
};

uint32_t crc_of(const char* bytes, size_t count) { return crc32_of(std::as_bytes(std::span(bytes, count))); }

// ---- weights

bool read_any_weights(std::span<const std::byte> bytes) {
    return accepted([&] { check_model("input", read_weights("input", bytes)); });
}

bool weights(Input input) { return read_any_weights(std::as_bytes(input)); }

/// The data of a fixture of the flat binary, which begins where its header tells.
const std::string& flat_data() {
    constexpr std::streamoff kDataStart = 16384;
    static const std::string data = [] {
        std::ifstream file(test::fixtures_folder() + "/weights/quantised.bin", std::ios::binary);
        file.seekg(kDataStart);
        return std::string(std::istreambuf_iterator<char>(file), {});
    }();
    return data;
}

/// A header's text, wrapped into a flat binary whose own checksum fits, before a fixture's data.
bool flat_header(Input input) {
    constexpr size_t kDataStart = 16384;
    std::string text(input.begin(), input.end());
    const std::string key = "\"header_crc32\":\"";
    const size_t at = text.find(key);
    if (at != std::string::npos && text.size() >= at + key.size() + 8) {
        text.replace(at + key.size(), 8, "00000000");
        char hex[9];
        std::snprintf(hex, sizeof hex, "%08x", crc_of(text.data(), text.size()));
        text.replace(at + key.size(), 8, hex);
    }
    const uint64_t length = text.size();
    std::string file = "ADAQBIN1" + std::string(reinterpret_cast<const char*>(&length), sizeof length) + text;
    file.resize(kDataStart, '\0');
    file += flat_data();
    return read_any_weights(std::as_bytes(std::span(file)));
}

/// What is read is written and read again, to the same message.
bool onnx_message(Input input) {
    return accepted([&] {
        const onnx::ModelProto read = onnx::parse("input", std::as_bytes(input));
        const std::string bytes = onnx::serialise("input", read);
        const std::string again = onnx::serialise("input", onnx::parse("input", std::as_bytes(std::span(bytes))));
        if (again != bytes) throw std::logic_error("an ONNX message changes as it is written");
    });
}

/// A pickle alone, and the search for a state dict in it.
bool pickle(Input input) {
    return accepted([&] {
        const std::string name = "input";
        ByteCursor cursor(name, "the pickle", std::as_bytes(input));
        const Pickle read = read_pickle(name, cursor);
        (void)find_state_dict("input", read, "");
    });
}

// ---- images

/// Decodes twice, into memory that holds other values each time: both must give the same pixels.
bool decode(Input input, int channels) {
    return accepted([&] {
        ImageReader reader;
        Image images[2];
        for (const int fill : {0, 1}) {
            // The reader's buffers grow with the first and are used again by the second.
            reader.open_bytes(input, "input");
            const ImageSize size = reader.size();
            if (int64_t{size.height} * size.width > int64_t{1} << 24) return;  // slow, and no other code
            images[fill].pixels.assign(static_cast<size_t>(size.height) * static_cast<size_t>(size.width) * 3,
                                       fill == 0 ? uint8_t{0x35} : uint8_t{0xca});
            reader.read(channels, images[fill]);
        }
        if (images[0].size() != images[1].size() || images[0].pixels != images[1].pixels)
            throw std::logic_error("two decodings of one image differ");
    });
}

bool begins_with(Input input, std::string_view magic, size_t at = 0) {
    return input.size() >= at + magic.size() && std::memcmp(input.data() + at, magic.data(), magic.size()) == 0;
}

/// Decodes what begins as the format does, so that each fuzzer keeps to its own.
template <typename Magic>
bool image(Input input, Magic is_of_format) {
    if (!is_of_format(input)) return false;
    const bool colour = decode(input, 3), grey = decode(input, 1);
    if (colour != grey) throw std::logic_error("an image is read in colour or in grey, but not in both");
    return colour;
}

bool jpeg(Input input) {
    return image(input, [](Input x) { return begins_with(x, "\xff\xd8"); });
}

/// Checksums of chunks are made to fit, or nearly every mutant would fall at the first of them.
bool png(Input input) {
    std::string file(input.begin(), input.end());
    for (size_t at = 8; at + 12 <= file.size();) {
        const auto byte = [&](size_t i) { return static_cast<uint32_t>(static_cast<uint8_t>(file[at + i])); };
        const size_t length = byte(0) << 24 | byte(1) << 16 | byte(2) << 8 | byte(3);
        if (length > file.size() - at - 12) break;
        const uint32_t crc = crc_of(file.data() + at + 4, length + 4);
        for (int i = 0; i < 4; ++i)
            file[at + 8 + length + static_cast<size_t>(i)] = static_cast<char>(crc >> (24 - 8 * i));
        at += length + 12;
    }
    const auto* bytes = reinterpret_cast<const uint8_t*>(file.data());
    const auto is_png = [](Input x) { return begins_with(x, "\x89PNG"); };
    const bool taken = image({bytes, file.size()}, is_png);
    return image(input, is_png) || taken;
}

bool bmp(Input input) {
    return image(input, [](Input x) { return begins_with(x, "BM"); });
}

bool gif(Input input) {
    return image(input, [](Input x) { return begins_with(x, "GIF8"); });
}

bool pnm(Input input) {
    return image(input, [](Input x) { return begins_with(x, "P"); });
}

bool webp(Input input) {
    return image(input, [](Input x) { return begins_with(x, "RIFF") && begins_with(x, "WEBP", 8); });
}

bool tiff(Input input) {
    return image(input, [](Input x) { return begins_with(x, "II") || begins_with(x, "MM"); });
}

// ---- data sets, tables, state

bool idx(Input input) {
    const MemoryFile file(input);
    const bool images = accepted([&] {
        const auto dataset = open_idx(file.path(), "", 0);
        ImageReader reader;
        Image pixels;
        for (const int64_t item : {int64_t{0}, dataset->size() - 1}) {
            dataset->open(item, reader);
            reader.read(3, pixels);
        }
    });
    return accepted([&] { (void)open_idx(file.path(), file.path(), 0); }) || images;
}

bool labels(Input input) {
    const MemoryFile file(input);
    const std::vector<std::string> images{"a.png", "b c.png", "d.JPEG", "ILSVRC2012_val_00000001.JPEG"};
    DatasetOptions named;
    named.class_names = {"tench", "great white shark", "n01440764"};
    bool taken = false;
    for (const DatasetOptions& options : {named, DatasetOptions{}})
        for (const LabelLines lines : {LabelLines::of_this_folder, LabelLines::of_a_data_set})
            if (accepted([&] { (void)read_label_file(file.path(), lines, images, options); })) taken = true;
    return taken;
}

bool table(Input input) {
    const MemoryFile file(input);
    return accepted([&] { (void)read_table(file.path()); });
}

/// The CBOR of a finished unit, wrapped so that length and checksum fit.
bool unit(Input input) {
    constexpr uint32_t kFormat = 2;
    const auto number = [](auto value) { return std::string(reinterpret_cast<const char*>(&value), sizeof value); };
    const std::string payload(input.begin(), input.end());
    std::string file = "ADAQUNIT" + number(kFormat) + number(uint64_t{payload.size()}) + payload;
    file += number(crc_of(file.data(), file.size()));
    const bool wrapped = accepted([&] { (void)parse_unit_file(file, "input"); });
    return accepted([&] { (void)parse_unit_file(payload, "input"); }) || wrapped;
}

}  // namespace

const std::vector<Target>& targets() {
    static const std::vector<Target> all{
        {"pickle", {}, pickle},
        {"torch", {"weights/basic.pth", "weights/basic_legacy.pth", "weights/basic_strided.pth"}, weights},
        {"safetensors", {"weights/basic.safetensors"}, weights},
        {"flat", {"weights/quantised.bin", "weights/graph.bin"}, weights},
        {"flat_header", {}, flat_header},
        {"onnx", {"onnx/forms.onnx", "onnx/packed.onnx"}, onnx_message},
        {"onnx_network",
         {"import/residual_traced.onnx", "import/inverted_exported.onnx", "import/chain_traced.onnx",
          "import/normed.onnx"},
         weights},
        {"unit", {}, unit},
        {"table", {}, table},
        {"labels", {}, labels},
        {"idx", {}, idx},
        {"jpeg", {"images"}, jpeg},
        {"png", {"images"}, png},
        {"bmp", {"images"}, bmp},
        {"gif", {"images"}, gif},
        {"pnm", {"images"}, pnm},
        {"webp", {"images"}, webp},
        {"tiff", {"images"}, tiff},
    };
    return all;
}

const Target& target(const std::string& name) {
    for (const Target& one : targets())
        if (one.name == name) return one;
    throw std::invalid_argument("no fuzzing target " + name);
}

}  // namespace adaq::fuzz
