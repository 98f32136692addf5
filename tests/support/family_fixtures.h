// tests/fixtures/families (tools/make_family_fixtures.py): torchvision's lists of tensors of full-size networks, and
// small networks whose parameters are made by a formula here and there.
#pragma once

#include <zlib.h>

#include <cmath>
#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "engine/error.h"
#include "engine/graph/model.h"
#include "engine/passes/executor.h"
#include "loaders/architectures/recognise.h"
#include "support/places.h"

namespace adaq::test {

/// What recognise_network says against a file of these tensors; "" if nothing.
inline std::string recognition_error(const Shapes& shapes, const NetworkHints& hints = {}) {
    try {
        (void)recognise_network("net.pth", shapes, {}, hints);
        return "";
    } catch (const DataError& error) {
        return error.what();
    }
}

struct FullSizeNetwork {
    std::string name;                 // torchvision.models has it
    int64_t multiply_adds = 0;        // of a 224x224 image
    std::vector<NamedShape> tensors;  // in torchvision's order

    Shapes shapes() const {
        Shapes shapes;
        for (const NamedShape& tensor : tensors) shapes[tensor.name] = tensor.shape;
        return shapes;
    }
};

inline std::string text_of_gzip(const std::string& path) {
    const std::unique_ptr<gzFile_s, int (*)(gzFile)> file(gzopen(path.c_str(), "rb"), gzclose);
    std::string text;
    char part[65536];
    for (int count; file && (count = gzread(file.get(), part, sizeof part)) > 0;)
        text.append(part, static_cast<size_t>(count));
    return text;
}

inline const std::vector<FullSizeNetwork>& full_size_networks() {
    static const std::vector<FullSizeNetwork> networks = [] {
        std::vector<FullSizeNetwork> read;
        std::istringstream lines(text_of_gzip(fixtures_folder() + "/families/shapes.txt.gz"));
        for (std::string line; std::getline(lines, line);) {
            std::istringstream words(line);
            std::string name, numbers, number;
            words >> name >> numbers;
            if (line[0] != ' ') {
                read.push_back({name, std::stoll(numbers), {}});
                continue;
            }
            NamedShape& tensor = read.back().tensors.emplace_back();
            tensor.name = name;
            std::istringstream extents(numbers);
            while (std::getline(extents, number, 'x')) tensor.shape.push_back(std::stoll(number));
        }
        return read;
    }();
    return networks;
}

inline const FullSizeNetwork& full_size_network(const std::string& name) {
    for (const FullSizeNetwork& network : full_size_networks())
        if (network.name == name) return network;
    throw std::runtime_error("no network " + name);
}

/// Numbers in [-1, 1): a hash of the name and the index.
inline std::vector<float> made_up(const std::string& name, int64_t count) {
    const auto seed =
        static_cast<uint32_t>(crc32(0, reinterpret_cast<const Bytef*>(name.data()), static_cast<uInt>(name.size())));
    std::vector<float> values(static_cast<size_t>(count));
    for (size_t i = 0; i < values.size(); ++i) {
        uint32_t x = static_cast<uint32_t>(i) * 0x9E3779B9u + seed;
        x = (x ^ (x >> 16)) * 0x85EBCA6Bu;
        x = (x ^ (x >> 13)) * 0xC2B2AE35u;
        x ^= x >> 16;
        values[i] = static_cast<float>(x >> 8) * 0x1p-23f - 1.0f;
    }
    return values;
}

/// As the script makes them, to the bit.
inline Tensor made_up_parameter(const std::string& name, const Shape& shape) {
    Tensor tensor(shape, made_up(name, element_count(shape)));
    float factor = 0.0f, middle = 0.0f;
    const int64_t inputs = shape.empty() ? 1 : element_count(shape) / shape[0];
    if (shape.size() > 1)
        factor = static_cast<float>(std::sqrt(6.0 / static_cast<double>(inputs)));
    else if (name.ends_with(".running_var"))
        factor = 0.75f, middle = 1.25f;
    else if (name.ends_with(".weight"))
        factor = 0.5f, middle = 1.0f;
    else  // .bias, .running_mean
        factor = 0.25f;
    for (float& value : tensor.values) {
        value *= factor;
        if (shape.size() == 1) value += middle;
    }
    return tensor;
}

/// A small network of a family, by the fixture's name for it.
class SmallNetwork {
  public:
    explicit SmallNetwork(const std::string& name) : expected_(cases().at(name)) {
        for (const auto& entry : expected_.at("tensors")) shapes_[entry.at(0)] = entry.at(1).get<Shape>();
    }
    static std::vector<std::string> names() {
        std::vector<std::string> all;
        for (const auto& [name, entry] : cases().items()) all.push_back(name);
        return all;
    }

    const Shapes& shapes() const { return shapes_; }
    /// By the names in the state dict.
    std::map<std::string, Tensor> tensors() const {
        std::map<std::string, Tensor> made;
        for (const auto& [name, shape] : shapes_) made[name] = made_up_parameter(name, shape);
        return made;
    }
    StoredModel model(const NetworkHints& hints = {}) const {
        RecognisedNetwork network = recognise_network("fixture", shapes_, {}, hints);
        StoredModel model;
        model.graph = std::move(network.graph);
        for (auto& [name, tensor] : tensors()) model.tensors[network.parameters.at(name)] = std::move(tensor);
        return model;
    }
    /// [N,H,W,C].
    Tensor images() const {
        constexpr int64_t kImages = 5, kChannels = 3;
        const int64_t size = expected_.at("size"), map = size * size;
        const std::vector<float> planes = made_up("images", kImages * kChannels * map);
        Tensor images({kImages, size, size, kChannels});
        for (int64_t n = 0; n < kImages; ++n)
            for (int64_t c = 0; c < kChannels; ++c)
                for (int64_t p = 0; p < map; ++p)
                    images.values[static_cast<size_t>((n * map + p) * kChannels + c)] =
                        planes[static_cast<size_t>((n * kChannels + c) * map + p)];
        return images;
    }
    std::vector<double> logits() const { return expected_.at("logits"); }
    double float32_error() const { return expected_.at("float32_error"); }

  private:
    static const nlohmann::json& cases() {
        static const nlohmann::json all =
            nlohmann::json::parse(std::ifstream(fixtures_folder() + "/families/logits.json"));
        return all;
    }

    const nlohmann::json& expected_;
    Shapes shapes_;
};

/// Of a small network, by its name.
inline NetworkHints hints_of(const std::string& name) {
    return {"", name.ends_with("_os8") ? 8 : name.ends_with("_os16") ? 16 : 0, true};
}

inline std::vector<float> logits_of(Device& device, const Network& network, const Tensor& images,
                                    Execution execution = Execution::simulated) {
    Executor executor(device, network, images.shape[0], images.shape[1], images.shape[2], execution);
    std::vector<float> logits(static_cast<size_t>(executor.batch() * executor.classes()));
    executor.run(images.values, logits);
    return logits;
}

}  // namespace adaq::test
