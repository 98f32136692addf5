#include "adaq/learning/unit_file.h"

#include <bit>
#include <cmath>
#include <cstring>
#include <nlohmann/json.hpp>

#include "engine/error.h"
#include "loaders/weights/flat_header.h"
#include "report/record_json.h"

namespace adaq {
namespace {

static_assert(std::endian::native == std::endian::little, "numbers are written as they lie in memory");

constexpr std::string_view kMagic = "ADAQUNIT";
constexpr uint32_t kFormat = 2;
constexpr size_t kLengthAt = kMagic.size() + sizeof kFormat, kHeader = kLengthAt + sizeof(uint64_t),
                 kChecksum = sizeof(uint32_t);
constexpr size_t kDeepest = 32;  // arrays and objects in one another

using Json = nlohmann::json;

template <typename T>
Json binary(const std::vector<T>& values) {
    const auto* first = reinterpret_cast<const uint8_t*>(values.data());
    return Json::binary({first, first + values.size() * sizeof(T)});
}

template <typename T>
std::vector<T> values_of(const Json& json) {
    const auto& bytes = json.get_binary();
    std::vector<T> values(bytes.size() / sizeof(T));
    if (!values.empty()) std::memcpy(values.data(), bytes.data(), values.size() * sizeof(T));
    return values;
}

Json json_of(const UnitResult::LayerResult& layer) {
    std::vector<int16_t> codes;
    codes.reserve(layer.centred.size());
    for (float q : layer.centred) codes.push_back(static_cast<int16_t>(std::lrint(q)));
    return {{"layer", layer.layer},
            {"codes", binary(codes)},
            {"weight_scale", binary(layer.weight_scale)},
            {"bias", binary(layer.bias)},
            {"running_mean", binary(layer.running_mean)},
            {"running_variance", binary(layer.running_variance)}};
}

UnitResult::LayerResult layer_of(const Json& json) {
    const std::vector<int16_t> codes = values_of<int16_t>(json.at("codes"));
    return {json.at("layer"),
            {codes.begin(), codes.end()},
            values_of<float>(json.at("weight_scale")),
            values_of<float>(json.at("bias")),
            values_of<float>(json.at("running_mean")),
            values_of<float>(json.at("running_variance"))};
}

UnitResult result_from(const Json& json) {
    UnitResult result;
    for (const Json& layer : json.at("layers")) result.layers.push_back(layer_of(layer));
    for (const Json& scale : json.at("scales")) result.scales.emplace_back(scale.at(0), scale.at(1));
    result.record = unit_record_from_json(json.at("record"));
    return result;
}

FinishedUnit unit_from(const Json& json) {
    if (!json.at("run").is_object()) throw std::runtime_error("\"run\" is no object");
    FinishedUnit unit;
    unit.run = json.at("run").dump();
    unit.name = json.at("unit").at("name");
    unit.number = json.at("unit").at("number");
    unit.result = result_from(json);
    return unit;
}

/// Whether CBOR is whole and no deeper than a reader's stack: one item of numbers, texts and bytes of known length,
/// arrays and maps. We write nothing else; lengths that are not told beforehand can nest, too.
bool is_shallow_cbor(std::span<const char> bytes) {
    std::vector<uint64_t> open{1};  // items that each array or map still wants; the whole is an array of one
    size_t at = 0;
    while (!open.empty()) {
        if (open.back() == 0) {
            open.pop_back();
            continue;
        }
        --open.back();
        if (at == bytes.size()) return false;
        const auto first = static_cast<uint8_t>(bytes[at++]);
        const int kind = first >> 5, size = first & 31;
        auto value = static_cast<uint64_t>(size);
        if (size >= 24) {
            const size_t more = size <= 27 ? size_t{1} << (size - 24) : 0;
            if (more == 0 || more > bytes.size() - at) return false;
            value = 0;
            for (size_t i = 0; i < more; ++i) value = value << 8 | static_cast<uint8_t>(bytes[at++]);
        }
        const uint64_t left = bytes.size() - at;
        switch (kind) {
            case 2:
            case 3:  // bytes, text
                if (value > left) return false;
                at += value;
                break;
            case 4:
            case 5:  // array, map: at least a byte an item
                if (value > left || open.size() > kDeepest) return false;
                open.push_back(kind == 4 ? value : 2 * value);
                break;
            case 6:  // a tag
                return false;
            default:  // a number, true, false, null
                break;
        }
    }
    return at == bytes.size();
}

template <typename Number>
Number number_at(const std::string& contents, size_t at) {
    Number number = 0;
    if (at + sizeof number <= contents.size()) std::memcpy(&number, contents.data() + at, sizeof number);
    return number;
}

uint32_t crc32_before(const std::string& contents, size_t end) {
    return crc32_of(std::as_bytes(std::span(contents).first(end)));
}

/// Format 1 had no number: magic, CRC-32 of what was learned (u32), its length (u64), and that.
bool is_format_1(const std::string& contents) {
    return number_at<uint64_t>(contents, kLengthAt) == contents.size() - kHeader &&
           crc32_of(std::as_bytes(std::span(contents).subspan(kHeader))) ==
               number_at<uint32_t>(contents, kMagic.size());
}

/// What stands between the header and the checksum of a whole file in this format.
std::span<const char> payload_of(const std::string& contents, const std::string& path) {
    constexpr const char* kRemedy = "remove it, and the unit is learned again";
    if (contents.size() < kHeader + kChecksum || !contents.starts_with(kMagic))
        data_error("{}: {} bytes that are no finished unit's file; {}", path, contents.size(), kRemedy);
    const size_t end = contents.size() - kChecksum;
    if (crc32_before(contents, end) != number_at<uint32_t>(contents, end)) {
        if (is_format_1(contents))
            data_error("{}: format 1, from an older adaq; expected {}; {}", path, kFormat, kRemedy);
        data_error("{}: damaged (its CRC-32 is another); {}", path, kRemedy);
    }
    const auto format = number_at<uint32_t>(contents, kMagic.size());
    if (format != kFormat)
        data_error("{}: format {}, from another adaq; expected {}; {}", path, format, kFormat, kRemedy);
    const auto length = number_at<uint64_t>(contents, kLengthAt);
    if (length != end - kHeader)
        data_error("{}: its header tells of {} bytes, but {} follow; {}", path, length, end - kHeader, kRemedy);
    return std::span(contents).subspan(kHeader, length);
}

template <typename Number>
void append(std::string& file, Number number) {
    file.append(reinterpret_cast<const char*>(&number), sizeof number);
}

}  // namespace

std::string FinishedUnit::unit_file_name(const std::string& name, uint32_t number, uint32_t phase) {
    return fmt::format("{:03}-{}{}.unit", number, name, phase > 0 ? fmt::format("-{}", phase) : "");
}

std::string unit_file(const FinishedUnit& unit) {
    Json json{{"run", Json::parse(unit.run)},
              {"unit", {{"name", unit.name}, {"number", unit.number}}},
              {"layers", Json::array()},
              {"scales", Json::array()},
              {"record", to_json(unit.result.record)}};
    for (const auto& layer : unit.result.layers) json["layers"].push_back(json_of(layer));
    for (const auto& [site, scale] : unit.result.scales) json["scales"].push_back(Json::array({site, scale}));
    const std::vector<uint8_t> payload = Json::to_cbor(json);
    std::string file(kMagic);
    append(file, kFormat);
    append(file, static_cast<uint64_t>(payload.size()));
    file.append(reinterpret_cast<const char*>(payload.data()), payload.size());
    append(file, crc32_before(file, file.size()));
    return file;
}

FinishedUnit parse_unit_file(const std::string& contents, const std::string& path) {
    const std::span<const char> payload = payload_of(contents, path);
    if (!is_shallow_cbor(payload))
        data_error("{}: no CBOR, or nested more than {} deep; remove it, and the unit is learned again", path,
                   kDeepest);
    try {
        return unit_from(Json::from_cbor(payload.begin(), payload.end()));
    } catch (const std::exception& error) {
        data_error("{}: not what this adaq writes: {}; remove it, and the unit is learned again", path, error.what());
    }
}

}  // namespace adaq
