// Writes the flat binary's JSON header, always the same bytes for the same header; see flat_header.h.
#include <charconv>

#include "engine/error.h"
#include "loaders/weights/flat_header.h"
#include "loaders/weights/graph_json.h"

namespace adaq {
namespace {

using nlohmann::json;

constexpr std::string_view kNoCrc = "00000000";

double shortest_double(float value) {
    char text[32];
    const auto end = std::to_chars(text, text + sizeof text, value).ptr;
    double result = 0.0;
    std::from_chars(text, end, result);
    return result;
}

json tensors_json(const std::vector<FlatTensor>& tensors) {
    json list = json::array();
    for (const FlatTensor& tensor : tensors)
        list.push_back({{"name", tensor.name},
                        {"dtype", tensor.dtype},
                        {"shape", tensor.shape},
                        {"offset", tensor.offset},
                        {"bytes", tensor.bytes},
                        {"crc32", fmt::format("{:08x}", tensor.crc32)}});
    return list;
}

json quantisers_json(const std::map<std::string, FlatQuantiser>& quantisers) {
    json object = json::object();
    for (const auto& [name, quantiser] : quantisers) {
        object[name] = {
            {"bits", quantiser.grid.bits}, {"one_sided", quantiser.grid.one_sided}, {"scheme", quantiser.scheme}};
        if (quantiser.grid.narrow) object[name]["narrow"] = true;
    }
    return object;
}

json quantisation_json(const FlatQuantisation& quantisation) {
    json object{{"folded", quantisation.folded},
                {"settings", json::parse(quantisation.settings)},
                {"weights", quantisers_json(quantisation.weights)},
                {"activations", quantisers_json(quantisation.activations)}};
    if (!quantisation.biases.empty()) object["biases"] = quantisation.biases;
    if (quantisation.arithmetic == Arithmetic::openvino) object["arithmetic"] = kOpenVinoArithmetic;
    return object;
}

void append(std::string& text, std::string_view key, const json& value) {
    text += fmt::format(",{}:{}", json(key).dump(), value.dump());
}

}  // namespace

json shortest(const std::vector<float>& values) {
    json list = json::array();
    for (float value : values) list.push_back(shortest_double(value));
    return list;
}

json preprocessing_json(const Preprocessing& preprocessing) {
    json result{{"resize", preprocessing.resize},
                {"crop", preprocessing.crop},
                {"channels", preprocessing.mean.size()},
                {"mean", shortest(preprocessing.mean)},
                {"std", shortest(preprocessing.std)}};
    if (preprocessing.interpolation != Interpolation::bilinear)
        result["interpolation"] = name_of(preprocessing.interpolation);
    return result;
}

std::string flat_header_text(const FlatHeader& header) {
    std::string text = fmt::format("{{\"format\":2,\"header_crc32\":\"{}\"", kNoCrc);
    append(text, "graph", graph_json(header.graph));
    if (header.preprocessing) append(text, "preprocessing", preprocessing_json(*header.preprocessing));
    if (header.input_height > 0) append(text, "input", json{header.input_height, header.input_width});
    if (!header.class_names.empty()) append(text, "classes", header.class_names);
    append(text, "tensors", tensors_json(header.tensors));
    if (header.quantisation) append(text, "quantisation", quantisation_json(*header.quantisation));
    const json extra = json::parse(header.extra);
    for (const auto& [key, value] : extra.items()) append(text, key, value);
    text += '}';
    const std::string crc = fmt::format("{:08x}", crc32_of(std::as_bytes(std::span(text))));
    return text.replace(text.find(kNoCrc), kNoCrc.size(), crc);
}

}  // namespace adaq
