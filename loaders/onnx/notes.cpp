// See notes.h.
#include "loaders/onnx/notes.h"

#include <fmt/format.h>

#include <algorithm>

#include "engine/printable.h"

namespace adaq::onnx {
namespace {

/// "3 of 20 convolutions (conv1, layer1.0.conv2, ...)"
template <typename Holds>
std::string some(const std::vector<ExportedLayer>& layers, const char* what, Holds holds) {
    size_t all = 0;
    std::vector<std::string> names;
    for (const ExportedLayer& layer : layers) {
        if (!layer.convolution) continue;
        ++all;
        if (holds(layer)) names.push_back(layer.name);
    }
    if (names.empty()) return "";
    return fmt::format("{} of {} {} ({})", names.size(), all, what, first_names(names, 3));
}

}  // namespace

std::vector<std::string> notes_of(const std::vector<ExportedLayer>& layers, const OnnxOptions& options,
                                  const TargetRules& rules) {
    // A processor without VNNI adds pairs of products in 16 bits.
    constexpr int64_t kMostOfAPair = 32767;
    std::vector<std::string> notes;
    if (options.pack && std::none_of(layers.begin(), layers.end(), [](const auto& layer) { return layer.packed; }))
        notes.push_back("There is nothing to pack: no weights of at most 4 bits are written as codes.");
    if (options.target == OnnxTarget::any || options.aimet_encodings) return notes;
    const bool ort = options.target == OnnxTarget::ort;
    const std::string floats = some(layers, "convolutions", [&](const ExportedLayer& layer) {
        return !layer.quantised_input || (ort && !layer.quantised_output);
    });
    if (!floats.empty())
        notes.push_back(fmt::format("{} computes {} in float: it multiplies integers where {} quantised.",
                                    rules.runtime, floats, ort ? "input and output are" : "the input is"));
    const std::string rounded = some(layers, "convolutions", [&](const ExportedLayer& layer) {
        return ort && layer.quantised_input && layer.float_bias;
    });
    if (!rounded.empty())
        notes.push_back(fmt::format("{} rounds the biases of {} to multiples of input scale times weight scale.",
                                    rules.runtime, rounded));
    const std::string pairs = some(layers, "convolutions", [&](const ExportedLayer& layer) {
        return int64_t{layer.largest_code} * layer.largest_pair > kMostOfAPair;
    });
    if (!pairs.empty() && options.target != OnnxTarget::tensorrt)
        notes.push_back(fmt::format(
            "On x86 processors without VNNI the sums of {} can saturate; activations and input of at most 7 "
            "bits, or weights of at most 6, avoid that{}.",
            pairs, ort ? ", and so does session.x64quantprecision=1" : ""));
    return notes;
}

}  // namespace adaq::onnx
