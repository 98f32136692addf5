#include "loaders/weights/model_config.h"

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

namespace adaq {
namespace {

using nlohmann::json;

constexpr size_t kMostBytes = 1 << 20;

/// Null where there is no such file, or it is none of JSON: many programs have a config.json.
json read_object(const std::filesystem::path& path) {
    std::error_code error;
    if (!std::filesystem::is_regular_file(path, error)) return nullptr;
    std::ifstream file(path, std::ios::binary);
    std::string text(kMostBytes + 1, '\0');
    file.read(text.data(), static_cast<std::streamsize>(text.size()));
    text.resize(static_cast<size_t>(file.gcount()));
    if (text.size() > kMostBytes) return nullptr;
    // Whoever nests deeper than this is no configuration, and would take the parser's stack.
    constexpr int kDeepest = 32;
    const auto not_too_deep = [](int depth, json::parse_event_t, json&) { return depth <= kDeepest; };
    json parsed = json::parse(text, not_too_deep, false);
    return parsed.is_object() ? parsed : json(nullptr);
}

std::string text_of(const json& object, const char* key) {
    const auto found = object.find(key);
    return found != object.end() && found->is_string() ? found->get<std::string>() : "";
}

bool is_set(const json& object, const char* key) {
    const auto found = object.find(key);
    return found != object.end() && found->is_boolean() && found->get<bool>();
}

/// A ResNet of transformers.
NamedNetwork hugging_face_resnet(const json& config) {
    NamedNetwork named{.name = "resnet", .family = "resnet"};
    const std::string activation = text_of(config, "hidden_act");
    if (!activation.empty() && activation != "relu")
        named.other = activation + " activations";
    else if (is_set(config, "downsample_in_bottleneck"))
        named.other = "strides in 1x1 convolutions";
    else if (is_set(config, "downsample_in_first_stage"))
        named.other = "a first stage that strides";
    return named;
}

}  // namespace

NamedNetwork network_named_beside(const std::string& weights_path) {
    const json config = read_object(std::filesystem::path(weights_path).parent_path() / "config.json");
    if (config.is_null()) return {};
    if (text_of(config, "model_type") == "resnet") return hugging_face_resnet(config);
    NamedNetwork named = network_named(text_of(config, "architecture"));
    return named.family.empty() && named.other.empty() ? NamedNetwork{} : named;
}

}  // namespace adaq
