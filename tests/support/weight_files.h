// Weights files for the tests: the fixtures with their expected values, a tiny model, and flat binaries with an edited
// header whose checksums fit, so that a test reaches the check it is about.
#pragma once

#include <zlib.h>

#include <cstring>
#include <fstream>
#include <functional>
#include <iterator>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "engine/error.h"
#include "loaders/architectures/resnet.h"
#include "loaders/weights/weights.h"
#include "support/places.h"

namespace adaq::test {

using Bytes = std::vector<std::byte>;

inline std::string weight_fixture(const std::string& name) { return fixtures_folder() + "/weights/" + name; }

inline Bytes bytes_of_text(std::string_view text) {
    const auto* start = reinterpret_cast<const std::byte*>(text.data());
    return {start, start + text.size()};
}

inline std::string text_of_file(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    if (!file) throw std::runtime_error("no file " + path);
    return {std::istreambuf_iterator<char>(file), {}};
}

inline Bytes bytes_of_file(const std::string& path) { return bytes_of_text(text_of_file(path)); }

/// The tensors that a fixture's JSON lists.
inline std::map<std::string, Tensor> expected_tensors(const std::string& json_fixture) {
    std::map<std::string, Tensor> tensors;
    const nlohmann::json listed = nlohmann::json::parse(text_of_file(weight_fixture(json_fixture)));
    for (const auto& [name, entry] : listed.items())
        tensors[name] = Tensor(entry["shape"].get<Shape>(), entry["values"].get<std::vector<float>>());
    return tensors;
}

inline bool operator==(const Tensor& a, const Tensor& b) { return a.shape == b.shape && a.values == b.values; }

inline bool equal(const std::map<std::string, Tensor>& a, const std::map<std::string, Tensor>& b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                      [](const auto& x, const auto& y) { return x.first == y.first && x.second == y.second; });
}

inline bool equal(const Quantisation& a, const Quantisation& b) {
    const auto same_weight = [](const auto& x, const auto& y) {
        const QuantisedWeight &p = x.second, &q = y.second;
        return x.first == y.first && p.shape == q.shape && p.grid == q.grid && p.scheme == q.scheme &&
               p.codes == q.codes && p.scale == q.scale && p.zero_point == q.zero_point;
    };
    const auto same_activation = [](const auto& x, const auto& y) {
        const QuantisedActivation &p = x.second, &q = y.second;
        return x.first == y.first && p.grid == q.grid && p.scheme == q.scheme && p.scale == q.scale &&
               p.zero_point == q.zero_point;
    };
    return a.folded == b.folded && a.settings == b.settings && a.biases == b.biases &&
           std::equal(a.weights.begin(), a.weights.end(), b.weights.begin(), b.weights.end(), same_weight) &&
           std::equal(a.activations.begin(), a.activations.end(), b.activations.begin(), b.activations.end(),
                      same_activation);
}

inline bool equal(const StoredModel& a, const StoredModel& b) {
    return a.graph == b.graph && a.preprocessing == b.preprocessing && a.class_names == b.class_names &&
           a.extra == b.extra && equal(a.tensors, b.tensors) &&
           a.quantisation.has_value() == b.quantisation.has_value() &&
           (!a.quantisation || equal(*a.quantisation, *b.quantisation));
}

/// What read_weights says against the bytes; "" if nothing.
inline std::string refusal(const Bytes& bytes, const std::string& name = "file") {
    try {
        (void)read_weights(name, bytes);
        return "";
    } catch (const DataError& error) {
        return error.what();
    }
}

/// A network of one block, every value different, small enough to flip every bit of its file.
inline StoredModel tiny_model(bool folded = false) {
    StoredModel model;
    model.graph = resnet_graph({BlockKind::basic, {1}, 1, 2, 1, folded});
    float next = 0.5f;
    for (const NamedShape& named : parameters_of(model.graph)) {
        Tensor& tensor = model.tensors[named.name] = Tensor(named.shape);
        for (float& value : tensor.values) value = next += 0.0625f;
    }
    if (!folded) return model;
    model.quantisation.emplace();
    model.quantisation->folded = true;
    return model;
}

inline std::string crc32_hex(const char* bytes, size_t count) {
    char text[9];
    std::snprintf(text, sizeof text, "%08lx",
                  crc32(0, reinterpret_cast<const Bytef*>(bytes), static_cast<uInt>(count)));
    return text;
}

inline nlohmann::json header_of(const Bytes& bin) {
    uint64_t length = 0;
    std::memcpy(&length, bin.data() + 8, sizeof length);
    const char* text = reinterpret_cast<const char*>(bin.data()) + 16;
    return nlohmann::json::parse(text, text + length);
}

/// Where the tensors of flat binaries begin whose header may grow: of fixtures, and of what roomy() makes.
inline constexpr size_t kDataStart = 16384, kRoomyStart = 65536;

/// The flat binary with another header text, whose CRC-32 is made to fit if it has one. The header has room (fixtures
/// have; roomy()).
inline Bytes with_header_text(const Bytes& bin, std::string text, size_t data_start = kDataStart) {
    const std::string key = "\"header_crc32\":\"";
    const size_t at = text.find(key);
    if (at != std::string::npos && text.size() >= at + key.size() + 8) {
        text.replace(at + key.size(), 8, "00000000");
        text.replace(at + key.size(), 8, crc32_hex(text.data(), text.size()));
    }
    const uint64_t length = text.size();
    std::string file = "ADAQBIN1" + std::string(reinterpret_cast<const char*>(&length), sizeof length) + text;
    file.resize(data_start, '\0');
    file.append(reinterpret_cast<const char*>(bin.data()) + data_start, bin.size() - data_start);
    return bytes_of_text(file);
}

/// A flat binary as adaq saves it, its tensors moved to kRoomyStart.
inline Bytes roomy(const Bytes& bin) {
    nlohmann::json header = header_of(bin);
    size_t first = bin.size();
    for (const nlohmann::json& entry : header["tensors"]) first = std::min(first, entry["offset"].get<size_t>());
    for (nlohmann::json& entry : header["tensors"])
        entry["offset"] = entry["offset"].get<size_t>() + kRoomyStart - first;
    Bytes moved(kRoomyStart);
    moved.insert(moved.end(), bin.begin() + static_cast<std::ptrdiff_t>(first), bin.end());
    return with_header_text(moved, header.dump(), kRoomyStart);
}

/// The flat binary with `edit` done to its header.
inline Bytes with_header(const Bytes& bin, const std::function<void(nlohmann::json&)>& edit,
                         size_t data_start = kDataStart) {
    nlohmann::json header = header_of(bin);
    edit(header);
    return with_header_text(bin, header.dump(), data_start);
}

/// The entry of a tensor in a header.
inline nlohmann::json& entry_of(nlohmann::json& header, const std::string& name) {
    for (nlohmann::json& entry : header["tensors"])
        if (entry["name"] == name) return entry;
    throw std::runtime_error("no tensor " + name);
}

/// The flat binary with the first bytes of a tensor replaced and its checksum made to fit.
template <typename T>
Bytes with_value(Bytes bin, const std::string& name, T value) {
    nlohmann::json header = header_of(bin);
    const nlohmann::json& entry = entry_of(header, name);
    const size_t offset = entry["offset"], bytes = entry["bytes"];
    std::memcpy(bin.data() + offset, &value, sizeof value);
    const std::string crc = crc32_hex(reinterpret_cast<const char*>(bin.data()) + offset, bytes);
    return with_header(bin, [&](nlohmann::json& edited) { entry_of(edited, name)["crc32"] = crc; });
}

}  // namespace adaq::test
