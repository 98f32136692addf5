// See fingerprints.h.
#include "adaq/data/fingerprints.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <nlohmann/json.hpp>

#include "engine/error.h"
#include "loaders/input_file.h"
#include "loaders/weights/flat_header.h"

namespace adaq {
namespace {

constexpr int64_t kEnds = 4096;  // bytes of a file's beginning and end

/// Size, and CRC-32 of the first and last bytes.
std::string ends_of(const std::string& path) {
    const InputFile file(path, "an image");
    const int64_t size = file.bytes();
    std::array<char, kEnds> bytes{};
    std::string ends;
    for (int64_t from : {int64_t{0}, std::max<int64_t>(0, size - kEnds)}) {
        const int64_t wanted = std::min(size, kEnds);
        const ssize_t got = ::pread(file.descriptor(), bytes.data(), wanted, from);
        if (got != wanted) data_error("{}: cannot be read", path);
        ends.append(bytes.data(), wanted);
    }
    return fmt::format("{} {}", size, crc32_text(ends));
}

}  // namespace

std::string crc32_text(std::string_view text) {
    return fmt::format("{:08x}", crc32_of(std::as_bytes(std::span(text))));
}

std::string fingerprint(const Tensor& tensor) {
    return fmt::format("{:08x}, {} values", crc32_of(std::as_bytes(std::span(tensor.values))), tensor.values.size());
}

std::string crc32_of_weights(const StoredModel& model) {
    std::string all;
    for (const auto& [name, tensor] : model.tensors) all += fmt::format("{} {}\n", name, fingerprint(tensor));
    // Two networks may have the same tensors.
    for (const Node& node : model.graph.nodes) {
        const auto dilation = node.attributes.find("dilation");
        if (dilation == node.attributes.end() || node.list("dilation") == std::vector<int64_t>{1, 1}) continue;
        all += fmt::format("{} dilated by {}\n", node.name, node.list("dilation")[0]);
    }
    return crc32_text(all);
}

std::string crc32_of_images(const Dataset& dataset, const std::string& path) {
    std::string all, last;
    size_t shared = 0;  // characters of the names that say where the data set lies: a path may end in ":train"
    if (dataset.size() > 0) {
        const std::string first = dataset.item_name(0);
        const auto end = std::mismatch(first.begin(), first.end(), path.begin(), path.end()).first;
        shared = end - first.begin();
    }
    for (int64_t item = 0; item < dataset.size(); ++item) {
        const std::string name = dataset.item_name(item), file = name.substr(0, name.find(", image "));
        // An IDX file holds many images; its labels lie in another file, but come with each.
        if (file != last) all += ends_of(file) + "\n";
        last = file;
        all += fmt::format("{} {}\n", name.substr(shared), dataset.label(item));
    }
    return crc32_text(all);
}

std::vector<std::string> differences(const nlohmann::json& here, const nlohmann::json& there) {
    std::vector<std::string> found;
    nlohmann::json all = there;
    all.update(here);
    for (const auto& [key, ignored] : all.items()) {
        const auto a = here.find(key), b = there.find(key);
        const std::string ours = a == here.end() ? "not set" : a->dump();
        const std::string theirs = b == there.end() ? "not set" : b->dump();
        if (ours != theirs) found.push_back(fmt::format("{} {}, there {}", key, ours, theirs));
    }
    return found;
}

}  // namespace adaq
