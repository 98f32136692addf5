#include "loaders/architectures/renamings.h"

#include <fmt/format.h>

#include <algorithm>

namespace adaq {
namespace {

bool is_index(std::string_view text) {
    constexpr size_t kLongest = 4;  // digits
    return !text.empty() && text.size() <= kLongest && text.find_first_not_of("0123456789") == std::string_view::npos;
}

/// Up to a dot, which it takes off as well.
std::string_view take_part(std::string_view& text) {
    const size_t dot = text.find('.');
    const std::string_view part = text.substr(0, dot);
    text.remove_prefix(dot == std::string_view::npos ? text.size() : dot + 1);
    return part;
}

/// What the stars stand for; nothing where the name is another.
bool fits(std::string_view name, std::string_view from, std::vector<std::string_view>& stars) {
    while (!from.empty()) {
        if (from == "*") {
            stars.push_back(name);
            return !name.empty();
        }
        const std::string_view wanted = take_part(from), part = take_part(name);
        if (!wanted.ends_with('*')) {
            if (part != wanted) return false;
            continue;
        }
        const size_t fixed = wanted.size() - 1;
        if (part.substr(0, fixed) != wanted.substr(0, fixed) || !is_index(part.substr(fixed))) return false;
        stars.push_back(part.substr(fixed));
    }
    return name.empty();
}

std::string filled(std::string_view to, const std::vector<std::string_view>& stars) {
    std::string text;
    while (!to.empty()) {
        if (to[0] != '{') {
            text += to[0];
            to.remove_prefix(1);
            continue;
        }
        const std::string_view star = stars.at(static_cast<size_t>(to[1] - '1'));
        if (to[2] == '}') {
            text += star;
        } else {
            const int number = std::stoi(std::string(star));
            text += std::to_string(to[2] == '+' ? number + 1 : number - 1);
        }
        to.remove_prefix(to.find('}') + 1);
    }
    return text;
}

/// The number behind "features." or "blocks.", and what stands behind that; -1: another name.
int numbered(std::string_view name, std::string_view prefix, std::string_view& rest) {
    if (!name.starts_with(prefix)) return -1;
    name.remove_prefix(prefix.size());
    const std::string_view number = take_part(name);
    if (!is_index(number)) return -1;
    rest = name;
    return std::stoi(std::string(number));
}

/// A block's layer under torchvision's name: `rest` is "conv_dw.weight", "bn3.bias".
std::string timm_layer(const std::string& block, std::string_view rest, bool expands) {
    static const std::vector<Renaming> kWide{{"conv_pw.*", "0.0.{1}"}, {"bn1.*", "0.1.{1}"},
                                             {"conv_dw.*", "1.0.{1}"}, {"bn2.*", "1.1.{1}"},
                                             {"conv_pwl.*", "2.{1}"},  {"bn3.*", "3.{1}"}};
    static const std::vector<Renaming> kPlain{
        {"conv_dw.*", "0.0.{1}"}, {"bn1.*", "0.1.{1}"}, {"conv_pw.*", "1.{1}"}, {"bn2.*", "2.{1}"}};
    return block + renamed(std::string(rest), expands ? kWide : kPlain);
}

}  // namespace

std::string renamed(const std::string& name, const std::vector<Renaming>& renamings) {
    for (const Renaming& renaming : renamings) {
        std::vector<std::string_view> stars;
        if (fits(name, renaming.from, stars)) return filled(renaming.to, stars);
    }
    return name;
}

const std::vector<Renaming>& hugging_face_resnet() {
    static const std::vector<Renaming> renamings{
        {"embedder.embedder.convolution.*", "conv1.{1}"},
        {"embedder.embedder.normalization.*", "bn1.{1}"},
        {"encoder.stages.*.layers.*.shortcut.convolution.*", "layer{1+1}.{2}.downsample.0.{3}"},
        {"encoder.stages.*.layers.*.shortcut.normalization.*", "layer{1+1}.{2}.downsample.1.{3}"},
        {"encoder.stages.*.layers.*.layer.*.convolution.*", "layer{1+1}.{2}.conv{3+1}.{4}"},
        {"encoder.stages.*.layers.*.layer.*.normalization.*", "layer{1+1}.{2}.bn{3+1}.{4}"}};
    return renamings;
}

const std::vector<Renaming>& pycls_regnet() {
    static const std::vector<Renaming> renamings{
        {"stem.conv.*", "stem.0.{1}"},
        {"stem.bn.*", "stem.1.{1}"},
        {"s*.b*.proj.*", "trunk_output.block{1}.block{1}-{2-1}.proj.0.{3}"},
        {"s*.b*.bn.*", "trunk_output.block{1}.block{1}-{2-1}.proj.1.{3}"},
        {"s*.b*.f.a.*", "trunk_output.block{1}.block{1}-{2-1}.f.a.0.{3}"},
        {"s*.b*.f.a_bn.*", "trunk_output.block{1}.block{1}-{2-1}.f.a.1.{3}"},
        {"s*.b*.f.b.*", "trunk_output.block{1}.block{1}-{2-1}.f.b.0.{3}"},
        {"s*.b*.f.b_bn.*", "trunk_output.block{1}.block{1}-{2-1}.f.b.1.{3}"},
        {"s*.b*.f.c.*", "trunk_output.block{1}.block{1}-{2-1}.f.c.0.{3}"},
        {"s*.b*.f.c_bn.*", "trunk_output.block{1}.block{1}-{2-1}.f.c.1.{3}"},
        {"s*.b*.f.se.*", "trunk_output.block{1}.block{1}-{2-1}.f.se.{3}"},
        // timm's
        {"s*.b*.downsample.conv.*", "trunk_output.block{1}.block{1}-{2-1}.proj.0.{3}"},
        {"s*.b*.downsample.bn.*", "trunk_output.block{1}.block{1}-{2-1}.proj.1.{3}"},
        {"s*.b*.conv1.conv.*", "trunk_output.block{1}.block{1}-{2-1}.f.a.0.{3}"},
        {"s*.b*.conv1.bn.*", "trunk_output.block{1}.block{1}-{2-1}.f.a.1.{3}"},
        {"s*.b*.conv2.conv.*", "trunk_output.block{1}.block{1}-{2-1}.f.b.0.{3}"},
        {"s*.b*.conv2.bn.*", "trunk_output.block{1}.block{1}-{2-1}.f.b.1.{3}"},
        {"s*.b*.conv3.conv.*", "trunk_output.block{1}.block{1}-{2-1}.f.c.0.{3}"},
        {"s*.b*.conv3.bn.*", "trunk_output.block{1}.block{1}-{2-1}.f.c.1.{3}"},
        {"s*.b*.se.*", "trunk_output.block{1}.block{1}-{2-1}.f.se.{3}"}};
    return renamings;
}

const std::vector<Renaming>& timm_mnasnet() {
    // Stage 1 of timm's is layers.8 of torchvision's.
    static const std::vector<Renaming> renamings = [] {
        static std::vector<std::string> texts;  // that the table points to
        std::vector<Renaming> made{{"conv_stem.*", "layers.0.{1}"},          {"bn1.*", "layers.1.{1}"},
                                   {"blocks.0.0.conv_dw.*", "layers.3.{1}"}, {"blocks.0.0.bn1.*", "layers.4.{1}"},
                                   {"blocks.0.0.conv_pw.*", "layers.6.{1}"}, {"blocks.0.0.bn2.*", "layers.7.{1}"},
                                   {"conv_head.*", "layers.14.{1}"},         {"bn2.*", "layers.15.{1}"}};
        constexpr std::pair<const char*, int> kLayers[] = {{"conv_pw", 0}, {"bn1", 1},      {"conv_dw", 3},
                                                           {"bn2", 4},     {"conv_pwl", 6}, {"bn3", 7}};
        constexpr int kStages = 6;
        texts.reserve(kStages * std::size(kLayers) * 2);
        for (int stage = 1; stage <= kStages; ++stage)
            for (const auto& [layer, number] : kLayers) {
                texts.push_back(fmt::format("blocks.{}.*.{}.*", stage, layer));
                const char* const from = texts.back().c_str();
                texts.push_back(fmt::format("layers.{}.{{1}}.layers.{}.{{2}}", stage + 7, number));
                made.push_back({from, texts.back().c_str()});
            }
        return made;
    }();
    return renamings;
}

std::vector<int> rename_timm_mobilenet_v2(NamedTensors& tensors) {
    std::vector<int> repeats, first{1};  // by stage: its blocks, and the number of its first one in torchvision's
    for (int stage = 0; tensors.has_below(fmt::format("blocks.{}.0.", stage)); ++stage) {
        int count = 1;
        while (tensors.has_below(fmt::format("blocks.{}.{}.", stage, count))) ++count;
        repeats.push_back(count);
        first.push_back(first.back() + count);
    }
    const std::string last = fmt::format("features.{}.", first.back());
    const std::vector<Renaming> kOutside{{"conv_stem.*", "features.0.0.{1}"}, {"bn1.*", "features.0.1.{1}"}};
    const NamedTensors before = tensors;
    tensors.rename([&](const std::string& name) {
        std::string_view rest, within;
        const int stage = numbered(name, "blocks.", rest);
        if (stage >= 0 && stage < std::ssize(repeats)) {
            const int block = numbered(rest, "", within);
            if (block < 0) return name;
            const bool expands = before.has_below(fmt::format("blocks.{}.{}.conv_pwl.", stage, block));
            return timm_layer(fmt::format("features.{}.conv.", first[static_cast<size_t>(stage)] + block), within,
                              expands);
        }
        for (const auto& [from, to] : {std::pair("conv_head.", "0."), std::pair("bn2.", "1.")})
            if (name.starts_with(from)) return last + to + name.substr(std::string_view(from).size());
        return renamed(name, kOutside);
    });
    return repeats;
}

void rename_flat_mobilenet_v2(NamedTensors& tensors) {
    static const std::vector<Renaming> kWide{{"conv.0.*", "conv.0.0.{1}"}, {"conv.1.*", "conv.0.1.{1}"},
                                             {"conv.3.*", "conv.1.0.{1}"}, {"conv.4.*", "conv.1.1.{1}"},
                                             {"conv.6.*", "conv.2.{1}"},   {"conv.7.*", "conv.3.{1}"}};
    static const std::vector<Renaming> kPlain{{"conv.0.*", "conv.0.0.{1}"},
                                              {"conv.1.*", "conv.0.1.{1}"},
                                              {"conv.3.*", "conv.1.{1}"},
                                              {"conv.4.*", "conv.2.{1}"}};
    int blocks = 0;
    while (tensors.has_below(fmt::format("features.{}.conv.", blocks + 1))) ++blocks;
    const NamedTensors before = tensors;
    tensors.rename([&](const std::string& name) {
        std::string_view rest;
        const int index = numbered(name, "features.", rest);
        if (index >= 1 && index <= blocks) {
            const bool expands = before.has_below(fmt::format("features.{}.conv.6.", index));
            return fmt::format("features.{}.{}", index, renamed(std::string(rest), expands ? kWide : kPlain));
        }
        if (name.starts_with("conv.")) return fmt::format("features.{}.{}", blocks + 1, name.substr(5));
        return name;
    });
}

}  // namespace adaq
