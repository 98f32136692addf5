// See settings.h.
#include "adaq/settings/settings.h"

#include <algorithm>
#include <thread>

#include "adaq/settings/memory_size.h"
#include "adaq/settings/option_names.h"
#include "adaq/settings/option_table.h"
#include "adaq/settings/recipe_options.h"
#include "engine/error.h"

namespace adaq {
namespace {

void check_values(const QuantiseOptions& o) {
    check_word("method", o.method);
    check_number("weight_bits", o.weight_bits);
    check_bits("activation_bits", o.activation_bits);
    if (o.input_bits) check_bits("input_bits", *o.input_bits);
    if (o.scheme) check_word("scheme", *o.scheme);
    if (o.act_scheme) check_word("act_scheme", *o.act_scheme);
    check_number("p", o.p);
    check_word("granularity", o.granularity);
    if (o.act_sites) check_word("act_sites", *o.act_sites);
    if (o.deploy) check_word("deploy", *o.deploy);
    if (o.edge_acts) check_word("edge_acts", *o.edge_acts);
    check_number("images", static_cast<double>(o.images));
    for (const auto& [field, bits] : {std::pair("bits", &o.bits), std::pair("act_bits", &o.act_bits)})
        for (const auto& [name, value] : *bits)
            if (value < 2 || value > 8) usage_error("`{}` {}={}: expected 2 to 8 bits", field, name, value);
    check_learning_values(o.learning);
}

void check_nearest(const QuantiseOptions& o) {
    if (o.learns()) return;
    std::string given = first_learning_option(o.learning);
    if (given.empty() && !o.state.empty()) given = "state";
    if (given.empty() && o.resume) given = "resume";
    if (given.empty() && o.memory != QuantiseOptions().memory) given = "memory";
    if (given.empty() && o.compare_nearest) given = "compare_nearest";
    if (!given.empty()) usage_error("`{}`: only with a `method` that learns, such as adaround", given);
}

/// What the method decides where it was not given.
void take_recipe(const QuantiseOptions& o, Settings& s) {
    if (s.learns()) s.recipe = settled_recipe(o.method, o.learning);
    if (s.calib_augment) {
        if (o.learning.calib_views && s.recipe.views > 1)
            usage_error("`calib_augment`: each image is a random part of itself already; leave `calib_views` at 1");
        s.recipe.views = 1;
    }
    s.recipe.learn.seed = o.seed;
    if (s.recipe.scales) s.recipe.scales->seed = o.seed;
    s.scheme = o.scheme.value_or(s.recipe.scheme);
    s.act_scheme = o.act_scheme.value_or(s.scheme);
    s.fold = o.fold.value_or(s.recipe.fold);
    if (!o.learning.lr_channel && !(s.fold && s.per_channel)) {
        s.recipe.learn.learn_channels = false;
        s.recipe.learn.schedule.channel_rate = 0.0;
    }
    s.edges = o.edge_acts ? kEdges.at(*o.edge_acts) : s.recipe.edges;
}

/// What TensorRT cannot hold in an int8 without a zero point: activations of 8 bits without a sign.
void check_signed_codes(const Settings& s) {
    if (s.activation_bits == 8)
        usage_error(
            "`deploy` tensorrt: behind ReLUs activations have no sign, and of those TensorRT's int8 holds 7 bits; give "
            "`activation_bits = 7`");
    if (s.head_stem_8bit)
        usage_error(
            "`head_stem_8bit`: gives 8 bits to an activation without a sign, of which TensorRT's int8 holds 7; give 8 "
            "bits to weights alone, with `bits`");
}

/// The sites that a target needs.
ActivationSites sites_for(Deployment target) {
    if (target == Deployment::ort) return ActivationSites::deploy_ort;
    if (target == Deployment::tensorrt) return ActivationSites::deploy_tensorrt;
    return ActivationSites::block;
}

/// Where activations are quantised, the network's input among them.
void take_sites(const QuantiseOptions& o, Settings& s) {
    if (o.deploy) s.deployment = kDeployments.at(*o.deploy);
    if (o.act_sites) s.sites = kSites.at(*o.act_sites);
    if (s.deployed()) {
        const ActivationSites needed = sites_for(s.deployment);
        if (o.act_sites && s.sites != needed)
            usage_error("`act_sites` {}: `deploy` {} needs {}", *o.act_sites, *o.deploy, name_of(kSites, needed));
        s.sites = needed;
        if (s.activation_bits == kFloatBits)
            usage_error("`activation_bits` {}: `deploy` {} needs activations of 2 to 8 bits", kFloatBits, *o.deploy);
    }
    const bool input = s.deployed() || (quantises_input(s.sites) && s.activation_bits < kFloatBits);
    s.input_bits = o.input_bits.value_or(input ? 8 : kFloatBits);
    if (input && s.input_bits == kFloatBits)
        usage_error("`input_bits` {}: {} needs the network's input quantised, to 2 to 8 bits", kFloatBits,
                    s.deployed() ? "`deploy` " + *o.deploy : "`act_sites` " + name_of(kSites, s.sites));
    if (s.deployment == Deployment::tensorrt) check_signed_codes(s);
}

void check_together(const QuantiseOptions& o, const Settings& s) {
    if (s.fold && s.recipe.learn.norms == NormStatistics::batch)
        usage_error("`bn` batch: with {} no batch norm is left; {}", o.fold ? "`fold`" : "`method` " + o.method,
                    o.fold ? "leave one of them out" : "give `fold = false` too");
    if (s.recipe.learn.learn_channels && !s.fold)
        usage_error("`lr_channel`: learns biases, and kept batch norms have none; give `fold` too");
    if (s.recipe.learn.learn_channels && !s.per_channel)
        usage_error("`lr_channel`: learns a scale of each channel; leave `granularity` at channel");
    if (s.resume && s.state.empty()) usage_error("`resume`: needs `state` DIR, where the earlier run kept its layers");
    memory_size(s.memory, 0);  // refuses what is no size
    if (o.edge_acts && !s.head_stem_8bit) usage_error("`edge_acts` {}: only with `head_stem_8bit`", *o.edge_acts);
}

const char* runtime_name(Deployment target) {
    switch (target) {
        case Deployment::ort:
            return "onnxruntime";
        case Deployment::openvino:
            return "OpenVINO";
        case Deployment::tensorrt:
            return "TensorRT";
        default:
            return "adaq";
    }
}

std::string sites_sentence(ActivationSites sites) {
    switch (sites) {
        case ActivationSites::block:
            return "the output of each ReLU";
        case ActivationSites::layer:
            return "the output of each layer";
        case ActivationSites::deploy_ort:
            return "the output of each ReLU, the input of each layer and both operands of each addition";
        case ActivationSites::deploy_tensorrt:
            return "the output of each ReLU, the input of each layer and what is added to a convolution";
    }
    return "";
}

std::string range_sentence(const std::string& scheme, double p) {
    return takes_p(scheme) ? fmt::format("{} (p = {})", scheme, p) : scheme;
}

bool has_8bit_weights(const Settings& s) {
    constexpr int kByte = 8;
    return s.weight_bits == kByte || s.head_stem_8bit ||
           std::any_of(s.bits.begin(), s.bits.end(), [](const auto& own) { return own.second == kByte; });
}

}  // namespace

Settings settings_of(const QuantiseOptions& o) {
    check_values(o);
    Settings s;
    s.method = o.method;
    s.weight_bits = o.weight_bits;
    s.activation_bits = o.activation_bits;
    s.p = o.p;
    s.per_channel = o.granularity == "channel";
    s.symmetric = o.symmetric;
    s.head_stem_8bit = o.head_stem_8bit;
    s.calib_augment = o.calib_augment;
    take_sites(o, s);
    s.bits = o.bits;
    s.act_bits = o.act_bits;
    s.images = o.images;
    s.seed = o.seed;
    s.compare_nearest = o.compare_nearest;
    s.resume = o.resume;
    s.accuracy_alone = o.accuracy_alone;
    s.state = o.state;
    s.memory = o.memory;
    check_nearest(o);
    take_recipe(o, s);
    check_together(o, s);
    return s;
}

QuantiseOptions settled(QuantiseOptions options) {
    const Settings s = settings_of(options);
    options.scheme = s.scheme;
    options.act_scheme = s.act_scheme;
    options.fold = s.fold;
    options.act_sites = name_of(kSites, s.sites);
    options.input_bits = s.input_bits;
    if (s.head_stem_8bit) options.edge_acts = name_of(kEdges, s.edges);
    return options;
}

std::string method_sentence(const Settings& s) {
    std::string text =
        fmt::format("{} rounding, range scheme {}, one scale a {}, batch norms {}", s.method,
                    range_sentence(s.scheme, s.p), s.per_channel ? "channel" : "layer", s.fold ? "folded" : "kept");
    const UnitOptions& learn = s.recipe.learn;
    const bool blocks = s.recipe.units == UnitKind::blocks;
    if (s.learns() && learn.norms == NormStatistics::batch) text += " with each batch's statistics while they learn";
    if (s.learns())
        text += fmt::format(", {} iterations of {} images a {}, learning rate {}", learn.schedule.iterations,
                            learn.batch, blocks ? "block" : "layer", learn.schedule.rounding_rate);
    if (s.learns() && s.recipe.scales && s.activation_bits < kFloatBits)
        text += fmt::format(", then {} for activation scales", s.recipe.scales->schedule.iterations);
    if (s.learns() && learn.learn_channels) text += ", with each channel's weight scale and bias";
    if (!s.bits.empty()) text += fmt::format(", own bits for {} of the weights", s.bits.size());
    if (!s.act_bits.empty()) text += fmt::format(", own bits for {} of the activations", s.act_bits.size());
    if (s.symmetric) text += ", zero point 0";
    if (s.deployed()) {
        text += fmt::format(", made for {}", runtime_name(s.deployment));
        if (has_8bit_weights(s)) text += ", 8-bit weights between -127 and 127";
    }
    if (s.head_stem_8bit) text += ", first and last layer 8 bit";
    if (s.activation_bits < kFloatBits) {
        text += "; activations at " + sites_sentence(s.sites);
        if (s.act_scheme != s.scheme) text += ", range scheme " + range_sentence(s.act_scheme, s.p);
    }
    return text;
}

int thread_count(int threads) {
    check_number("threads", threads);
    return threads > 0 ? threads : std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
}

Math math_named(const std::string& math) {
    check_word("math", math);
    return kMaths.at(math);
}

}  // namespace adaq
