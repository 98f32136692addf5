// Names of networks, taken apart into words; see network_name.h.
#include "loaders/weights/network_name.h"

#include <algorithm>
#include <vector>

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
    {"os", "dilated convolutions"},  // output stride: resnet50_os8
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
    {"wide", "wider blocks"},
    {"next", "grouped convolutions"},
    {"resnext", "grouped convolutions"},
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
    "alexnet",   "botnet",     "convnext",   "cspresne", "darknet",    "deit_",     "densenet", "efficientnet",
    "ecaresne",  "gcresne",    "googlenet",  "halonet",  "hrnet",      "inception", "iresnet",  "mnasnet",
    "mobilenet", "nfnet",      "regnet",     "repvgg",   "res2ne",     "resnest",   "resnext",  "rexnet",
    "senet",     "seresne",    "shufflenet", "skresne",  "squeezenet", "swin_",     "tresnet",  "vgg",
    "vit_",      "wide_resne", "wideresne",  "wrn",      "xception",
};

std::string lower_case(std::string_view text) {
    std::string lower(text);
    for (char& c : lower)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    return lower;
}

bool is_letter(char c) { return c >= 'a' && c <= 'z'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

/// The part between dots that names the network: timm adds tags behind one (resnet50.d_in1k), Python modules before.
std::string_view telling_part(std::string_view name) {
    while (true) {
        const size_t dot = name.find('.');
        const std::string_view part = name.substr(0, dot);
        if (part.find("resne") != std::string_view::npos || dot == std::string_view::npos) return part;
        name.remove_prefix(dot + 1);
    }
}

struct Piece {
    std::string_view text;
    bool joined = false;  // to the piece before, without a mark between them
};

/// Runs of letters and of digits.
std::vector<Piece> pieces_of(std::string_view name) {
    std::vector<Piece> pieces;
    size_t at = 0;
    bool joined = false;
    while (at < name.size()) {
        const bool letters = is_letter(name[at]);
        if (!letters && !is_digit(name[at])) {
            joined = false;
            ++at;
            continue;
        }
        size_t end = at;
        while (end < name.size() && (letters ? is_letter(name[end]) : is_digit(name[end]))) ++end;
        pieces.push_back({name.substr(at, end - at), joined});
        joined = true;
        at = end;
    }
    return pieces;
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

}  // namespace

std::optional<std::string> other_network(std::string_view name) {
    constexpr size_t kLongest = 200;  // bytes; more is no name
    if (name.size() > kLongest) return std::nullopt;
    const std::string lower = lower_case(name);
    const std::string_view part = telling_part(lower);
    for (const std::string_view other : kOthers)
        if (part.starts_with(other) || lower.starts_with(other)) return "another kind of network";
    if (part.find("resne") == std::string_view::npos) return std::nullopt;
    const std::vector<Piece> pieces = pieces_of(part);
    for (size_t i = 0; i < pieces.size(); ++i) {
        const auto [text, joined] = pieces[i];
        // resnet50d8, resnet50_d8: an output stride of 8.
        if (text == "d" && i + 1 < pieces.size() && pieces[i + 1].joined &&
            (pieces[i + 1].text == "8" || pieces[i + 1].text == "16"))
            return "dilated convolutions";
        if (i > 0 && joined && is_digit(pieces[i - 1].text.front()) && is_letter(text.front()))
            if (auto meaning = meaning_in(kSuffixes, text)) return meaning;
        if (auto meaning = around_resnet(text)) return meaning;
        if (text == "resnetv" && i + 1 < pieces.size() && pieces[i + 1].text == "2")
            return "activations before the convolutions";
        if (text.ends_with("relu") && i + 1 < pieces.size() && pieces[i + 1].text == "6" && pieces[i + 1].joined)
            return "ReLU6 activations";
    }
    return std::nullopt;
}

}  // namespace adaq
