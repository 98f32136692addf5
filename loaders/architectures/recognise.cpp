#include "loaders/architectures/recognise.h"

#include <array>

#include "engine/error.h"
#include "engine/printable.h"
#include "loaders/architectures/mnasnet.h"
#include "loaders/architectures/mobilenet_v2.h"
#include "loaders/architectures/regnet.h"
#include "loaders/architectures/renamings.h"
#include "loaders/architectures/resnet.h"
#include "loaders/architectures/vgg.h"

namespace adaq {
namespace {

RecognisedNetwork resnet(NamedTensors tensors, const NetworkHints& hints) {
    return recognise_resnet(std::move(tensors), hints.output_stride > 0 ? hints.output_stride : ResNet::kUsualStride);
}

RecognisedNetwork hugging_face(NamedTensors tensors, const NetworkHints& hints) {
    tensors.rename([](const std::string& name) { return renamed(name, hugging_face_resnet()); });
    return resnet(std::move(tensors), hints);
}

RecognisedNetwork mobilenet_v2(NamedTensors tensors, const NetworkHints&) {
    const bool flat = !tensors.has_below("features.1.conv.0.0.") && tensors.has_below("features.1.conv.0.");
    if (flat) rename_flat_mobilenet_v2(tensors);
    return recognise_mobilenet_v2(std::move(tensors));
}

/// timm's inverted residuals: windows tell MNASNet from MobileNetV2, and both from others under the same names.
RecognisedNetwork timm(NamedTensors tensors, const NetworkHints&) {
    constexpr std::array kMnasNet{3, 3, 5, 5, 3, 5, 3}, kMobileNetV2{3, 3, 3, 3, 3, 3, 3};
    std::array<int, kMnasNet.size()> kernels{};
    for (size_t stage = 0; stage < kernels.size(); ++stage) {
        const std::string weight = fmt::format("blocks.{}.0.conv_dw.weight", stage);
        if (tensors.has(weight)) kernels[stage] = tensors.extent(weight, 4, 2);
    }
    if (kernels == kMobileNetV2) {
        const std::vector<int> repeats = rename_timm_mobilenet_v2(tensors);
        RecognisedNetwork found = recognise_mobilenet_v2(std::move(tensors), repeats);
        found.family = "mobilenet_v2";
        return found;
    }
    if (kernels != kMnasNet)
        data_error("{}: timm's blocks of inverted residuals, but in neither MobileNetV2's nor MNASNet's seven stages",
                   tensors.file());
    tensors.rename([](const std::string& name) { return renamed(name, timm_mnasnet()); });
    RecognisedNetwork found = recognise_mnasnet(std::move(tensors));
    found.family = "mnasnet";
    return found;
}

RecognisedNetwork mnasnet(NamedTensors tensors, const NetworkHints&) { return recognise_mnasnet(std::move(tensors)); }

RecognisedNetwork regnet(NamedTensors tensors, const NetworkHints&) { return recognise_regnet(std::move(tensors)); }

RecognisedNetwork pycls(NamedTensors tensors, const NetworkHints&) {
    tensors.rename([](const std::string& name) { return renamed(name, pycls_regnet()); });
    return recognise_regnet(std::move(tensors));
}

RecognisedNetwork vgg(NamedTensors tensors, const NetworkHints&) { return recognise_vgg(std::move(tensors)); }

/// How a family's tensors are called: the first layer's weight, and the beginning of others below the same prefix.
struct Naming {
    const char *family, *stem, *others;
    RecognisedNetwork (*recognise)(NamedTensors, const NetworkHints&);
    const char *prefix = "", *head = "";  // below such a prefix the last layer may stand outside, under this name
};

constexpr Naming kNamings[] = {
    {"resnet", "conv1.weight", "layer1.0.", resnet, "backbone.", "head.fc."},
    {"resnet", "embedder.embedder.convolution.weight", "encoder.stages.0.", hugging_face, "resnet.", "classifier."},
    {"mobilenet_v2", "features.0.0.weight", "features.1.conv.", mobilenet_v2},
    {"", "conv_stem.weight", "blocks.0.0.", timm},
    {"mnasnet", "layers.0.weight", "layers.8.0.layers.", mnasnet},
    {"regnet_x", "stem.0.weight", "trunk_output.", regnet},
    {"regnet_x", "stem.conv.weight", "s1.b1.", pycls},
    {"vgg", "features.0.weight", "classifier", vgg},
};

struct Place {
    const Naming* naming;
    std::string prefix;  // "" or "encoder."
};

/// Where networks of a family stand. One without a prefix hides those below others.
std::vector<Place> places_of(const NamedTensors& tensors, const Naming& naming) {
    const std::string_view stem = naming.stem;
    if (tensors.has(naming.stem) && tensors.has_below(naming.others)) return {{&naming, ""}};
    std::vector<Place> places;
    for (const auto& [name, shape] : tensors.shapes()) {
        if (!name.ends_with(stem) || shape.size() != 4 || name.size() == stem.size()) continue;
        const std::string prefix = name.substr(0, name.size() - stem.size());
        if (prefix.ends_with('.') && tensors.has_below(prefix + naming.others)) places.push_back({&naming, prefix});
    }
    return places;
}

Place place_of(const NamedTensors& tensors) {
    std::vector<Place> places;
    for (const Naming& naming : kNamings) {
        const std::vector<Place> found = places_of(tensors, naming);
        if (found.size() == 1 && found[0].prefix.empty()) return found[0];
        places.insert(places.end(), found.begin(), found.end());
    }
    if (places.empty()) return {&kNamings[0], ""};
    if (places.size() > 1)
        data_error("{}: {} under {} and {}, expected one network: save the tensors of one alone", tensors.file(),
                   places[0].naming == &kNamings[0] ? "ResNets" : "networks", printable(places[0].prefix),
                   printable(places[1].prefix));
    return places[0];
}

RecognisedNetwork recognised_as(const Naming& naming, NamedTensors tensors, const NetworkHints& hints) {
    try {
        return naming.recognise(std::move(tensors), hints);
    } catch (const DataError& error) {
        data_error("{}; other networks are taken as ONNX (docs/networks.md)", error.what());
    }
}

/// A name that says otherwise than the tensors is of another file, or of a network that adaq would build wrongly.
void expect_named(const std::string& file, const RecognisedNetwork& found, const NetworkHints& hints) {
    const std::string name = printable(hints.name), is = found.graph.description;
    const std::string why = contradicted(hints.size, found.size);
    const bool other = !hints.family.empty() && hints.family != found.family;
    if (!other && why.empty()) return;
    if (other && !hints.own) data_error("{}: has the tensors of a {}, expected those of a {}", file, is, hints.family);
    if (!hints.own) data_error("{}: `arch` {} has {}, the file's tensors are those of a {}", file, name, why, is);
    data_error(
        "{}: the checkpoint calls its network {}{}, the file's tensors are those of a {}; `arch` NAME takes it "
        "for another",
        file, name, other ? "" : ", which has " + why, is);
}

/// "ResNet-18 (basic blocks ...)": "ResNet-18".
std::string name_of(const Graph& graph) { return graph.description.substr(0, graph.description.find(" (")); }

}  // namespace

RecognisedNetwork recognise_network(const std::string& file, const Shapes& shapes, const OtherValues& others,
                                    const NetworkHints& hints) {
    NamedTensors tensors(file, shapes, others);
    // A deep stem, or a network without one, is told by the ResNet's own sentences.
    const Place place = tensors.has("conv1.weight") ? Place{&kNamings[0], ""} : place_of(tensors);
    const Naming& naming = *place.naming;
    const bool has_outer_head =
        *naming.head != '\0' && place.prefix == naming.prefix && !tensors.has(place.prefix + "fc.weight");
    tensors.take_below(place.prefix,
                       [&](const std::string& name) { return has_outer_head && name.starts_with(naming.head); });
    RecognisedNetwork found = recognised_as(naming, std::move(tensors), hints);
    if (found.family.empty()) found.family = naming.family;
    expect_named(file, found, hints);
    if (!hints.named) found.assumed = name_of(found.graph);
    return found;
}

}  // namespace adaq
