// Writes .safetensors for PyTorch users, and the encodings beside it; see weights.h.
#include <algorithm>
#include <nlohmann/json.hpp>

#include "engine/error.h"
#include "engine/graph/node_kind.h"
#include "loaders/atomic_file.h"
#include "loaders/weights/encodings.h"
#include "loaders/weights/flat_header.h"
#include "loaders/weights/safetensors.h"
#include "loaders/weights/weights.h"
#include "loaders/weights/writable.h"

namespace adaq {
namespace {

using nlohmann::json;

constexpr const char* kExtension = ".safetensors";

/// A tensor on its way out: the model's own, or one made here.
struct OutgoingFloats {
    std::string name;
    Shape shape;
    std::vector<float> owned;
    std::span<const float> borrowed;

    std::span<const float> values() const { return owned.empty() ? borrowed : owned; }
};

/// The tensors of a batch norm that does nothing but add the folded bias. PyTorch computes (x - mean) / sqrt(variance +
/// 1e-5) * gamma + beta; a variance of 1 - 1e-5 makes the root exactly 1 in float and in double.
void add_idle_norm(std::vector<OutgoingFloats>& list, const std::string& norm, const std::vector<float>& bias) {
    const Shape shape{static_cast<int64_t>(bias.size())};
    const auto constant = [&](float value) { return std::vector<float>(bias.size(), value); };
    list.push_back({norm + ".weight", shape, constant(1.0f), {}});
    list.push_back({norm + ".bias", shape, {}, bias});
    list.push_back({norm + ".running_mean", shape, constant(0.0f), {}});
    list.push_back({norm + ".running_var", shape, constant(1.0f - 1e-5f), {}});
}

/// The tensors of the network as it was trained, in its order.
std::vector<OutgoingFloats> outgoing_floats(const StoredModel& model) {
    std::vector<OutgoingFloats> list;
    for (const Node& node : model.graph.nodes) {
        const auto folded = node.attributes.find("norm");
        for (const NamedShape& tensor : node.kind->parameters(node)) {
            if (folded != node.attributes.end() && tensor.name == node.name + ".bias") {
                if (node.attributes.contains("bias_before_norm"))
                    list.push_back({tensor.name, tensor.shape, std::vector<float>(element_count(tensor.shape)), {}});
                continue;
            }
            if (model.quantisation && model.quantisation->weights.contains(tensor.name))
                list.push_back(
                    {tensor.name, tensor.shape, dequantised(model.quantisation->weights.at(tensor.name)), {}});
            else
                list.push_back({tensor.name, tensor.shape, {}, model.tensors.at(tensor.name).values});
        }
        if (folded != node.attributes.end())
            add_idle_norm(list, std::get<std::string>(folded->second), model.tensors.at(node.name + ".bias").values);
    }
    return list;
}

/// The name of a ResNet whose windows widen in place of strides, for its tensors are another's as well; empty: another
/// network.
std::string telling_name(const Graph& graph) {
    const auto dilated = [](const Node& node) {
        return node.attributes.contains("dilation") && node.list("dilation") != std::vector<int64_t>{1, 1};
    };
    if (std::none_of(graph.nodes.begin(), graph.nodes.end(), dilated)) return "";
    constexpr int64_t kSize = 256;
    const Indexed<Shape> shapes = value_shapes(graph, kSize, kSize);
    int64_t last = kSize;
    for (const Shape& shape : shapes)
        if (shape.size() == 3) last = shape[0];
    return fmt::format("resnet_os{}", kSize / last);
}

/// "format": "pt" is what PyTorch's own tools look for.
json metadata(const StoredModel& model) {
    json object = {{"format", "pt"}};
    if (model.preprocessing) object[kPreprocessingKey] = preprocessing_json(*model.preprocessing).dump();
    if (const std::string name = telling_name(model.graph); !name.empty()) object["arch"] = name;
    if (!model.class_names.empty()) object[kClassesKey] = json{{"classes", model.class_names}}.dump();
    return object;
}

/// The header, filled up with blanks so that the tensors begin at a multiple of 8 bytes.
std::string header_text(const StoredModel& model, const std::vector<OutgoingFloats>& tensors) {
    json header = {{"__metadata__", metadata(model)}};
    uint64_t begin = 0;
    for (const OutgoingFloats& tensor : tensors) {
        const uint64_t end = begin + tensor.values().size_bytes();
        header[tensor.name] = {{"dtype", "F32"}, {"shape", tensor.shape}, {"data_offsets", {begin, end}}};
        begin = end;
    }
    std::string text = header.dump();
    text.resize((text.size() + 7) / 8 * 8, ' ');
    return text;
}

}  // namespace

std::string encodings_path(const std::string& path) {
    const std::string_view stem(path);
    const size_t cut = stem.ends_with(kExtension) ? stem.size() - std::string_view(kExtension).size() : stem.size();
    return std::string(stem.substr(0, cut)) + ".encodings.json";
}

void save_safetensors(const std::string& path, const StoredModel& model) {
    check_writable(path, model);
    const std::vector<OutgoingFloats> tensors = outgoing_floats(model);
    const std::string header = header_text(model, tensors);
    const uint64_t length = header.size();
    AtomicFile file(path);
    file.write(std::as_bytes(std::span(&length, 1)));
    file.write(header);
    for (const OutgoingFloats& tensor : tensors) file.write(std::as_bytes(tensor.values()));
    file.flush();
    if (model.quantisation) write_file_atomically(encodings_path(path), encodings_text(model));
    file.commit();
}

}  // namespace adaq
