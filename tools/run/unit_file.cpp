#include "tools/run/unit_file.h"

#include <bit>
#include <cmath>
#include <cstring>
#include <nlohmann/json.hpp>

#include "engine/error.h"
#include "loaders/weights/flat_header.h"

namespace adaq {
namespace {

static_assert(std::endian::native == std::endian::little, "numbers are written as they lie in memory");

constexpr std::string_view kMagic = "ADAQUNIT";
constexpr size_t kHeader = kMagic.size() + sizeof(uint32_t) + sizeof(uint64_t);

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

}  // namespace

std::string unit_file(const UnitResult& result) {
    Json json{{"layers", Json::array()}, {"scales", Json::array()}, {"record", to_json(result.record)}};
    for (const auto& layer : result.layers) json["layers"].push_back(json_of(layer));
    for (const auto& [site, scale] : result.scales) json["scales"].push_back(Json::array({site, scale}));
    const std::vector<uint8_t> payload = Json::to_cbor(json);
    const uint32_t crc = crc32_of(std::as_bytes(std::span(payload)));
    const uint64_t length = payload.size();
    std::string file(kMagic);
    file.append(reinterpret_cast<const char*>(&crc), sizeof crc);
    file.append(reinterpret_cast<const char*>(&length), sizeof length);
    file.append(reinterpret_cast<const char*>(payload.data()), payload.size());
    return file;
}

UnitResult parse_unit_file(const std::string& contents, const std::string& path) {
    uint32_t crc = 0;
    uint64_t length = 0;
    if (contents.size() >= kHeader) {
        std::memcpy(&crc, contents.data() + kMagic.size(), sizeof crc);
        std::memcpy(&length, contents.data() + kMagic.size() + sizeof crc, sizeof length);
    }
    if (contents.compare(0, kMagic.size(), kMagic) != 0 || contents.size() != kHeader + length)
        data_error("{}: not a finished unit's file ({} bytes, expected {}); remove it, and the unit is learned again",
                   path, contents.size(), kHeader + length);
    const auto payload = std::span(contents).subspan(kHeader);
    if (crc32_of(std::as_bytes(payload)) != crc)
        data_error("{}: damaged (its CRC-32 is another); remove it, and the unit is learned again", path);
    try {
        return result_from(Json::from_cbor(payload.begin(), payload.end()));
    } catch (const Json::exception& error) {
        data_error("{}: not what this adaq writes: {}", path, error.what());
    }
}

}  // namespace adaq
