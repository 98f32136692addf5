// Reads the flat binary's JSON header; see flat_header.h.
#include <zlib.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>

#include "engine/error.h"
#include "engine/printable.h"
#include "loaders/architectures/resnet.h"
#include "loaders/channel_values.h"
#include "loaders/weights/flat_header.h"
#include "loaders/weights/graph_json.h"
#include "loaders/weights/json_field.h"

namespace adaq {
namespace {

using nlohmann::json;

constexpr size_t kMostStages = 16;
constexpr int kMostWidth = 1 << 20, kMostClasses = 1 << 24;
constexpr const char* kStem = "conv7x7s2-maxpool3x3s2";
constexpr std::array<std::string_view, 9> kKnownKeys = {
    "format", "header_crc32", "architecture", "graph", "preprocessing", "input", "classes", "tensors", "quantisation"};

uint32_t parse_hex(const JsonField& field) {
    const std::string& text = field.text();
    uint32_t value = 0;
    const bool lower = text.size() == 8 && text.find_first_not_of("0123456789abcdef") == std::string::npos;
    if (!lower || std::from_chars(text.data(), text.data() + 8, value, 16).ec != std::errc())
        field.wrong("eight lower-case hex digits");
    return value;
}

/// Where the eight digits of header_crc32 stand in the text. Within a JSON string its quotes would be escaped, so the
/// first match is the key.
size_t crc_position(const std::string& file, const std::string& text) {
    size_t at = text.find("\"header_crc32\"");
    for (const char* next : {":", "\""}) {
        if (at == std::string::npos) break;
        if (*next == ':') at += std::string_view("\"header_crc32\"").size();
        at = text.find_first_not_of(" \t\r\n", at);
        if (at != std::string::npos) at = text[at] == *next ? at + 1 : std::string::npos;
    }
    if (at == std::string::npos || text.size() < at + 8)
        data_error("{}: the header has no header_crc32, expected eight hex digits", file);
    return at;
}

void check_header_crc(const std::string& file, std::string text) {
    const size_t at = crc_position(file, text);
    const std::string found = text.substr(at, 8);
    std::fill_n(text.begin() + static_cast<std::ptrdiff_t>(at), 8, '0');
    const std::string expected = fmt::format("{:08x}", crc32_of(std::as_bytes(std::span(text))));
    if (found != expected)
        data_error("{}: the header's CRC-32 is {}, its bytes give {} (damaged?)", file, printable(found), expected);
}

/// Of version 1, which has ResNets alone. `tensors`: how many the file has; more blocks would not fit.
Graph parse_architecture(const JsonField& field, size_t tensors, bool folded) {
    if (field["family"].text() != "resnet") field["family"].wrong("\"resnet\"");
    if (field["stem"].text() != kStem) field["stem"].wrong(fmt::format("\"{}\"", kStem));
    const std::string& block = field["block"].text();
    if (block != "basic" && block != "bottleneck") field["block"].wrong("\"basic\" or \"bottleneck\"");
    ResNet network;
    network.block = block == "basic" ? BlockKind::basic : BlockKind::bottleneck;
    const int64_t most_blocks = std::max<int64_t>(1, static_cast<int64_t>(tensors));
    for (const JsonField& count : field["blocks"].elements())
        network.blocks.push_back(static_cast<int>(count.integer(1, most_blocks)));
    if (network.blocks.empty() || network.blocks.size() > kMostStages)
        field["blocks"].wrong(fmt::format("1 to {} counts", kMostStages));
    network.width = static_cast<int>(field["width"].integer(1, kMostWidth));
    network.classes = static_cast<int>(field["classes"].integer(1, kMostClasses));
    network.input_channels = static_cast<int>(field["input_channels"].integer(1, 3));
    if (network.input_channels == 2) field["input_channels"].wrong("1 or 3");
    network.folded = folded;
    return resnet_graph(network);
}

FlatTensor parse_tensor(const JsonField& field) {
    FlatTensor tensor;
    tensor.name = field["name"].text();
    tensor.dtype = field["dtype"].text();
    constexpr std::array kPlain = {"f32", "f16", "bf16", "i32"};
    if (std::find(kPlain.begin(), kPlain.end(), tensor.dtype) == kPlain.end() && bits_of_dtype(tensor.dtype) == 0)
        field["dtype"].wrong("f32, f16, bf16, i32 or q2 to q8");
    tensor.shape = field["shape"].extents();
    constexpr int64_t kMostBytes = std::numeric_limits<int64_t>::max();
    tensor.offset = static_cast<uint64_t>(field["offset"].integer(0, kMostBytes));
    tensor.bytes = static_cast<uint64_t>(field["bytes"].integer(0, kMostBytes));
    tensor.crc32 = parse_hex(field["crc32"]);
    return tensor;
}

std::map<std::string, FlatQuantiser> parse_quantisers(const JsonField& field) {
    std::map<std::string, FlatQuantiser> quantisers;
    for (const auto& [name, entry] : field.members()) {
        const Grid grid{static_cast<int>(entry["bits"].integer(2, 8)), entry["one_sided"].boolean(),
                        entry.has("narrow") && entry["narrow"].boolean()};
        if (grid.narrow && grid.one_sided) entry["narrow"].wrong("a grid with a sign");
        quantisers[name] = {grid, entry["scheme"].text()};
    }
    return quantisers;
}

FlatQuantisation parse_quantisation(const JsonField& field) {
    FlatQuantisation parsed{Arithmetic::adaq,
                            field["folded"].boolean(),
                            parse_quantisers(field["weights"]),
                            parse_quantisers(field["activations"]),
                            {},
                            field["settings"].object().dump()};
    if (field.has("biases"))
        for (const JsonField& name : field["biases"].elements()) parsed.biases.push_back(name.text());
    if (!parsed.biases.empty()) parsed.arithmetic = Arithmetic::onnxruntime;
    if (field.has("arithmetic")) {
        if (!parsed.biases.empty() || field["arithmetic"].text() != kOpenVinoArithmetic)
            field["arithmetic"].wrong("\"openvino\", in a file without integer biases");
        parsed.arithmetic = Arithmetic::openvino;
    }
    return parsed;
}

std::string unknown_keys(json header) {
    for (std::string_view key : kKnownKeys) header.erase(std::string(key));
    return header.dump();
}

}  // namespace

bool is_flat_key(std::string_view key) {
    return std::find(kKnownKeys.begin(), kKnownKeys.end(), key) != kKnownKeys.end();
}

uint32_t crc32_of(std::span<const std::byte> bytes) {
    return static_cast<uint32_t>(crc32_z(0, reinterpret_cast<const Bytef*>(bytes.data()), bytes.size()));
}

int bits_of_dtype(const std::string& dtype) {
    return dtype.size() == 2 && dtype[0] == 'q' && dtype[1] >= '2' && dtype[1] <= '8' ? dtype[1] - '0' : 0;
}

Preprocessing parse_preprocessing(const std::string& file, const std::string& where, const json& value,
                                  int64_t input_channels) {
    const JsonField field(file, where, value);
    Preprocessing result;
    result.resize = static_cast<int>(field["resize"].integer(0, kMostInputEdge));
    result.crop = static_cast<int>(field["crop"].integer(0, kMostInputEdge));
    (void)field["channels"].integer(input_channels, input_channels);
    for (const auto& [key, values] : {std::pair{"mean", &result.mean}, std::pair{"std", &result.std}}) {
        values->clear();
        for (const JsonField& element : field[key].elements()) values->push_back(element.real());
        if (std::ssize(*values) != input_channels)
            field[key].wrong(fmt::format("{} numbers, one a channel", input_channels));
    }
    for (const JsonField& mean : field["mean"].elements())
        if (!is_mean(mean.real())) mean.wrong(kMeanLimits);
    for (const JsonField& deviation : field["std"].elements())
        if (!is_deviation(deviation.real())) deviation.wrong(kDeviationLimits);
    if (field.has("interpolation")) {
        const auto interpolation = interpolation_named(field["interpolation"].text());
        if (!interpolation) field["interpolation"].wrong("\"bilinear\" or \"bicubic\"");
        result.interpolation = *interpolation;
    }
    return result;
}

void check_class_names(const std::string& file, const std::vector<std::string>& names, int64_t classes) {
    if (!names.empty() && std::ssize(names) != classes)
        data_error("{}: {} class names, expected {}, one a class", file, names.size(), classes);
    try {
        (void)json(names).dump();
    } catch (const json::exception&) {
        data_error("{}: a class name is not UTF-8", file);
    }
}

FlatHeader parse_flat_header(const std::string& file, std::span<const std::byte> text) {
    check_header_crc(file, std::string(reinterpret_cast<const char*>(text.data()), text.size()));
    const json parsed = parse_json_object(file, "the header", text);
    const JsonField field(file, "header", parsed);
    const int64_t version = field["format"].integer(1, 2);
    FlatHeader header;
    for (const JsonField& tensor : field["tensors"].elements()) header.tensors.push_back(parse_tensor(tensor));
    if (field.has("quantisation")) header.quantisation = parse_quantisation(field["quantisation"]);
    const bool folded = header.quantisation && header.quantisation->folded;
    header.graph = version == 1 ? parse_architecture(field["architecture"], header.tensors.size(), folded)
                                : parse_graph(file, field["graph"]);
    if (field.has("preprocessing"))
        header.preprocessing =
            parse_preprocessing(file, "header.preprocessing", parsed["preprocessing"], header.graph.input_channels);
    if (field.has("input")) {
        const std::vector<JsonField> size = field["input"].elements();
        if (size.size() != 2) field["input"].wrong("height and width");
        header.input_height = static_cast<int>(size[0].integer(1, kMostInputEdge));
        header.input_width = static_cast<int>(size[1].integer(1, kMostInputEdge));
    }
    if (field.has("classes"))
        for (const JsonField& name : field["classes"].elements()) header.class_names.push_back(name.text());
    check_class_names(file, header.class_names, classes_of(header.graph));
    header.extra = unknown_keys(parsed);
    return header;
}

}  // namespace adaq
