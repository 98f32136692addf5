// Encodings of a quantised model; see encodings.h.
#include "loaders/weights/encodings.h"

#include <charconv>
#include <nlohmann/json.hpp>

#include "engine/error.h"
#include "loaders/weights/flat_header.h"

namespace adaq {
namespace {

using nlohmann::ordered_json;

constexpr const char* kAbout =
    "value = (clamp(round(x / scale) + zero_point, qmin, qmax) - zero_point) * scale, rounding half to even. The "
    "weights "
    "beside this file are on these grids already. Activations: apply it to the output of each site (conv1: the stem's, "
    "after its ReLU; layer1.0: a block's, after its ReLU; layer1.0.conv1: a convolution's, after its batch norm and, "
    "if "
    "it has one, its ReLU; layer1.0.downsample; fc; input).";
constexpr const char* kAboutFolded =
    " The batch norms were folded: those beside this file only add the folded bias (gamma 1, mean 0, variance 1 - "
    "1e-5).";

ordered_json grid_json(Grid grid, const std::string& scheme) {
    return {{"bits", grid.bits},
            {"qmin", static_cast<int>(grid.qmin())},
            {"qmax", static_cast<int>(grid.qmax())},
            {"one_sided", grid.one_sided},
            {"scheme", scheme}};
}

std::vector<int> whole(const std::vector<float>& numbers) { return {numbers.begin(), numbers.end()}; }

}  // namespace

std::vector<float> dequantised(const QuantisedWeight& weight) {
    std::vector<float> values(weight.codes.size());
    const size_t group = weight.codes.size() / weight.scale.size();  // elements that share a scale
    for (size_t i = 0; i < values.size(); ++i)
        values[i] = (static_cast<float>(weight.codes[i]) - weight.zero_point[i / group]) * weight.scale[i / group];
    return values;
}

std::string encodings_text(const StoredModel& model) {
    const Quantisation& quantisation = *model.quantisation;
    ordered_json weights = ordered_json::object(), activations = ordered_json::object();
    for (const auto& [name, weight] : quantisation.weights) {
        ordered_json entry = grid_json(weight.grid, weight.scheme);
        entry["per_channel"] = weight.scale.size() > 1;
        entry["scale"] = shortest(weight.scale);
        entry["zero_point"] = whole(weight.zero_point);
        weights[name] = std::move(entry);
    }
    for (const auto& [site, activation] : quantisation.activations) {
        ordered_json entry = grid_json(activation.grid, activation.scheme);
        entry["scale"] = shortest({activation.scale})[0];
        entry["zero_point"] = static_cast<int>(activation.zero_point);
        activations[site] = std::move(entry);
    }
    const ordered_json text = {{"about", std::string(kAbout) + (quantisation.folded ? kAboutFolded : "")},
                               {"folded", quantisation.folded},
                               {"weights", std::move(weights)},
                               {"activations", std::move(activations)},
                               {"settings", ordered_json::parse(quantisation.settings)}};
    return text.dump(1) + "\n";
}

}  // namespace adaq
