// Names of networks, taken apart into words; see network_name.h.
#include "loaders/weights/network_name.h"

#include <algorithm>
#include <optional>
#include <vector>

#include "loaders/weights/name_pieces.h"
#include "loaders/weights/size_in_name.h"

namespace adaq {
namespace {

struct Word {
    std::string_view word, meaning;
};

/// Words beside "resnet" and its depth.
constexpr Word kVariants[] = {
    {"blur", "blur pooling"},
    {"blurpool", "blur pooling"},
    {"aa", "anti-aliasing"},
    {"antialias", "anti-aliasing"},
    {"antialiased", "anti-aliasing"},
    {"lpf", "anti-aliasing"},
    {"dilated", "dilated convolutions"},
    {"dilation", "dilated convolutions"},
    {"atrous", "dilated convolutions"},
    {"deeplab", "dilated convolutions"},
    {"deeplabv", "dilated convolutions"},
    {"fcn", "dilated convolutions"},
    {"silu", "SiLU activations"},
    {"swish", "SiLU activations"},
    {"mish", "Mish activations"},
    {"gelu", "GELU activations"},
    {"selu", "SELU activations"},
    {"elu", "ELU activations"},
    {"celu", "CELU activations"},
    {"prelu", "PReLU activations"},
    {"leakyrelu", "leaky ReLU activations"},
    {"leaky", "leaky ReLU activations"},
    {"relu6", "ReLU6 activations"},
    {"hardswish", "hard swish activations"},
    {"hswish", "hard swish activations"},
    {"tanh", "tanh activations"},
    {"softplus", "softplus activations"},
    {"se", "squeeze and excitation"},
    {"rs", "squeeze and excitation"},  // resnetrs50
    {"eca", "channel attention"},
    {"cbam", "channel attention"},
    {"bam", "channel attention"},
    {"gc", "channel attention"},
    {"ge", "channel attention"},
    {"sk", "selective kernels"},
    {"ibn", "instance normalisation"},
    {"gn", "group normalisation"},
    {"groupnorm", "group normalisation"},
    {"evos", "EvoNorm"},
    {"nf", "no batch norms"},
    {"fixup", "no batch norms"},
    {"ws", "standardised weights"},
    {"preact", "activations before the convolutions"},
    {"clip", "another stem and attention pooling"},
};

/// Letters right behind the depth: resnet50d.
constexpr Word kSuffixes[] = {
    {"c", "a deep stem"},  {"d", "a deep stem and pooled shortcuts"},
    {"vc", "a deep stem"}, {"vd", "a deep stem and pooled shortcuts"},
    {"s", "a deep stem"},  {"t", "a deep stem"},
    {"ts", "a deep stem"}, {"q", "a deep stem"},
};

/// Networks of other kinds, by how their names begin.
constexpr std::string_view kOthers[] = {
    "alexnet",  "botnet",       "convnext",     "cspresne",     "darknet",     "deit_",       "densenet",
    "ecaresne", "efficientnet", "gcresne",      "googlenet",    "halonet",     "hrnet",       "inception",
    "iresnet",  "mobilenet_v1", "mobilenet_v3", "mobilenet_v4", "mobilenetv1", "mobilenetv3", "mobilenetv4",
    "nfnet",    "regnet_y",     "regnet_z",     "regnetv",      "regnety",     "regnetz",     "repvgg",
    "res2ne",   "resnest",      "rexnet",       "semnasnet",    "senet",       "seresne",     "shufflenet",
    "skresne",  "squeezenet",   "swin_",        "tresnet",      "vit_",        "wrn",         "xception",
};

/// Families that adaq builds, by what their names have within.
struct Family {
    std::string_view part, name;
};
constexpr Family kFamilies[] = {
    {"resnet", "resnet"},   {"resnext", "resnet"},    {"mobilenet_v2", "mobilenet_v2"}, {"mobilenetv2", "mobilenet_v2"},
    {"mnasnet", "mnasnet"}, {"regnet_x", "regnet_x"}, {"regnetx", "regnet_x"},          {"vgg", "vgg"},
};

std::string lower_case(std::string_view text) {
    std::string lower(text);
    for (char& c : lower)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    return lower;
}

/// The part between dots that names the network: timm adds tags behind one (resnet50.d_in1k), Python modules before.
std::string_view telling_part(std::string_view name) {
    while (true) {
        const size_t dot = name.find('.');
        const std::string_view part = name.substr(0, dot);
        if (part.find("resne") != std::string_view::npos || dot == std::string_view::npos) return part;
        name.remove_prefix(dot + 1);
    }
}

template <size_t N>
std::optional<std::string> meaning_in(const Word (&words)[N], std::string_view word) {
    const auto* found = std::find_if(std::begin(words), std::end(words), [&](const Word& w) { return w.word == word; });
    if (found == std::end(words)) return std::nullopt;
    return std::string(found->meaning);
}

/// "seresnet" is "se" and "resnet": what stands around it in one run of letters.
std::optional<std::string> around_resnet(std::string_view word) {
    const size_t at = word.find("resnet");
    if (at == std::string_view::npos) return meaning_in(kVariants, word);
    const std::string_view before = word.substr(0, at), behind = word.substr(at + std::string_view("resnet").size());
    if (behind == "v") return std::nullopt;  // resnetv2: its digit tells
    for (const std::string_view part : {before, behind})
        if (auto meaning = meaning_in(kVariants, part)) return meaning;
    return std::nullopt;
}

/// 8 or 16, as the piece behind says.
int output_stride_behind(const std::vector<NamePiece>& pieces, size_t i) {
    if (i + 1 == pieces.size() || !pieces[i + 1].joined) return 0;
    return pieces[i + 1].text == "8" ? 8 : pieces[i + 1].text == "16" ? 16 : 0;
}

/// A letter behind the depth, but not behind the width of groups: resnet50d, resnext50_32x4d.
bool is_suffix(const std::vector<NamePiece>& pieces, size_t i) {
    if (i == 0 || !pieces[i].joined || !pieces[i - 1].is_number() || pieces[i].is_number()) return false;
    return i < 2 || !pieces[i - 1].joined || pieces[i - 2].text != "x";
}

void tell_resnet(const std::vector<NamePiece>& pieces, NamedNetwork& named) {
    const auto next_is = [&](size_t i, std::string_view text) {
        return i + 1 < pieces.size() && pieces[i + 1].text == text;
    };
    for (size_t i = 0; i < pieces.size() && named.other.empty(); ++i) {
        const std::string_view text = pieces[i].text;
        // resnet50d8, resnet50_d8, resnet50_os8: an output stride of 8.
        if (text == "d" || text == "os") {
            if (const int stride = output_stride_behind(pieces, i); stride > 0) {
                named.output_stride = stride;
                continue;
            }
        }
        if (is_suffix(pieces, i)) named.other = meaning_in(kSuffixes, text).value_or("");
        if (named.other.empty()) named.other = around_resnet(text).value_or("");
        if (text == "resnetv" && next_is(i, "2")) named.other = "activations before the convolutions";
        if (text.ends_with("relu") && next_is(i, "6") && pieces[i + 1].joined) named.other = "ReLU6 activations";
    }
}

}  // namespace

NamedNetwork network_named(std::string_view name) {
    constexpr size_t kLongest = 200;  // bytes; more is no name
    if (name.size() > kLongest) return {};
    const std::string lower = lower_case(name);
    const std::string_view part = telling_part(lower);
    for (const std::string_view other : kOthers)
        if (part.starts_with(other) || lower.starts_with(other))
            return {.name = std::string(name), .other = "another kind of network"};
    NamedNetwork named{.name = std::string(name)};
    for (const Family& family : kFamilies)
        if (named.family.empty() && lower.find(family.part) != std::string::npos) named.family = family.name;
    if (named.family == "resnet") tell_resnet(name_pieces(part), named);
    named.size = size_in_name(named.family == "resnet" ? part : lower, named.family);
    return named;
}

}  // namespace adaq
