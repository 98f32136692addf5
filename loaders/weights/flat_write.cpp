// Writes the flat binary: tensors in network order, each at a multiple of 64 bytes; see weights.h.
#include <span>

#include "engine/error.h"
#include "loaders/atomic_file.h"
#include "loaders/weights/bit_packing.h"
#include "loaders/weights/flat_header.h"
#include "loaders/weights/weights.h"
#include "loaders/weights/writable.h"

namespace adaq {
namespace {

/// A tensor on its way out. Floats stay where the model has them; only packed codes and zero points are made anew.
struct Outgoing {
    FlatTensor entry;
    std::vector<std::byte> owned;
    std::span<const std::byte> borrowed;

    std::span<const std::byte> bytes() const { return owned.empty() ? borrowed : owned; }
};

Outgoing floats(const std::string& name, const Shape& shape, std::span<const float> values) {
    return {{name, "f32", shape}, {}, std::as_bytes(values)};
}

Outgoing integers(const std::string& name, std::span<const float> whole_numbers) {
    std::vector<int32_t> values(whole_numbers.begin(), whole_numbers.end());
    const auto bytes = std::as_bytes(std::span(values));
    return {{name, "i32", {static_cast<int64_t>(values.size())}}, {bytes.begin(), bytes.end()}, {}};
}

void add_weight(std::vector<Outgoing>& list, const std::string& name, const QuantisedWeight& weight) {
    list.push_back(
        {{name, fmt::format("q{}", weight.grid.bits), weight.shape}, pack_codes(weight.codes, weight.grid), {}});
    list.push_back(floats(name + ".scale", {static_cast<int64_t>(weight.scale.size())}, weight.scale));
    list.push_back(integers(name + ".zero_point", weight.zero_point));
}

void add_bias(std::vector<Outgoing>& list, const std::string& name, const QuantisedBias& bias) {
    const Shape shape{static_cast<int64_t>(bias.codes.size())};
    list.push_back({{name, "i32", shape}, {}, std::as_bytes(std::span(bias.codes))});
    list.push_back(floats(name + ".scale", shape, bias.scale));
}

std::vector<Outgoing> outgoing_tensors(const StoredModel& model) {
    std::vector<Outgoing> list;
    const Quantisation none;
    const Quantisation& quantised = model.quantisation ? *model.quantisation : none;
    for (const NamedShape& tensor : parameters_of(model.graph)) {
        const auto weight = quantised.weights.find(tensor.name);
        const auto bias = quantised.biases.find(tensor.name);
        if (weight != quantised.weights.end())
            add_weight(list, tensor.name, weight->second);
        else if (bias != quantised.biases.end())
            add_bias(list, tensor.name, bias->second);
        else
            list.push_back(floats(tensor.name, tensor.shape, model.tensors.at(tensor.name).values));
    }
    for (const auto& [site, activation] : quantised.activations) {
        const std::string name = "activation." + site;
        list.push_back(floats(name + ".scale", {1}, std::span(&activation.scale, 1)));
        list.push_back(integers(name + ".zero_point", std::span(&activation.zero_point, 1)));
    }
    return list;
}

FlatQuantisation quantisation_header(const Quantisation& quantisation) {
    FlatQuantisation header{quantisation.arithmetic, quantisation.folded, {}, {}, {}, quantisation.settings};
    for (const auto& [name, weight] : quantisation.weights) header.weights[name] = {weight.grid, weight.scheme};
    for (const auto& [site, activation] : quantisation.activations)
        header.activations[site] = {activation.grid, activation.scheme};
    for (const auto& bias : quantisation.biases) header.biases.push_back(bias.first);
    return header;
}

uint64_t aligned(uint64_t offset) { return (offset + kFlatAlignment - 1) / kFlatAlignment * kFlatAlignment; }

/// Sets every offset and returns the header's text. The offsets' digits count towards the header's own length, so the
/// start of the data moves until both agree; it only grows.
std::string lay_out(FlatHeader& header) {
    for (uint64_t start = 0;;) {
        uint64_t offset = start;
        for (FlatTensor& tensor : header.tensors) {
            tensor.offset = offset;
            offset = aligned(offset + tensor.bytes);
        }
        std::string text = flat_header_text(header);
        const uint64_t needed = aligned(kFlatPrefix + text.size());
        if (needed == start) return text;
        start = needed;
    }
}

}  // namespace

void save_bin(const std::string& path, const StoredModel& model) {
    check_writable(path, model);
    const std::vector<Outgoing> tensors = outgoing_tensors(model);
    FlatHeader header{model.graph, model.preprocessing, model.input_height, model.input_width, model.class_names, {},
                      {},          model.extra};
    if (model.quantisation) header.quantisation = quantisation_header(*model.quantisation);
    for (const Outgoing& tensor : tensors) {
        header.tensors.push_back(tensor.entry);
        header.tensors.back().bytes = tensor.bytes().size();
        header.tensors.back().crc32 = crc32_of(tensor.bytes());
    }
    const std::string text = lay_out(header);

    AtomicFile file(path);
    const uint64_t length = text.size();
    file.write(kFlatMagic);
    file.write(std::as_bytes(std::span(&length, 1)));
    file.write(text);
    uint64_t position = kFlatPrefix + text.size();
    const std::string zeros(kFlatAlignment, '\0');
    for (size_t i = 0; i < tensors.size(); ++i) {
        file.write(std::string_view(zeros).substr(0, header.tensors[i].offset - position));
        file.write(tensors[i].bytes());
        position = header.tensors[i].offset + tensors[i].bytes().size();
    }
    file.commit();
}

}  // namespace adaq
