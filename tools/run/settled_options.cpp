// See raw_options.h.
#include <filesystem>
#include <map>
#include <thread>

#include "engine/error.h"
#include "loaders/channel_values.h"
#include "tools/run/bundled.h"
#include "tools/run/memory_size.h"
#include "tools/run/option_names.h"
#include "tools/run/raw_options.h"

namespace adaq {
namespace {

/// Of the run and not of the recipe.
constexpr const char* kLearningRunOptions[] = {"--state", "--resume", "--memory", "--compare-nearest"};

void take_reports(Raw& raw) {
    for (const std::string& path : raw.reports) {
        const std::string extension = std::filesystem::path(path).extension();
        std::string* target = extension == ".html"   ? &raw.options.report_html
                              : extension == ".json" ? &raw.options.report_json
                                                     : nullptr;
        if (!target) usage_error("--report {}: a report is a .html or a .json file", path);
        if (!target->empty()) usage_error("--report {}: {} is already one", path, *target);
        *target = path;
    }
}

/// --w and --w2 ... --w8 are one option, and so are --a and its short forms.
void check_once(const std::string& name, const CLI::App& app) {
    std::string given;
    for (const char* bits : {"", "2", "3", "4", "5", "6", "7", "8", "32"}) {
        const std::string form = name + bits;
        const CLI::Option* option = app.get_option_no_throw(form);
        if (!option || option->count() == 0) continue;
        if (option->count() > 1) usage_error("{}: given twice", form);
        if (!given.empty()) usage_error("{}: {} is given, too", form, given);
        given = form;
    }
}

/// "conv1=8" -> {"conv1", 8}.
std::map<std::string, int> named_bits(const char* option, const std::vector<std::string>& items) {
    std::map<std::string, int> bits;
    for (const std::string& item : items) {
        const size_t equals = item.rfind('=');
        int value = 0;
        const bool number =
            equals != std::string::npos && equals > 0 && CLI::detail::lexical_cast(item.substr(equals + 1), value);
        if (!number || value < 2 || value > 8)
            usage_error("{} {}: expected NAME=BITS with 2 to 8 bits, such as layer1.0.conv1=8", option, item);
        if (!bits.emplace(item.substr(0, equals), value).second)
            usage_error("{} {}: {} is named twice", option, item, item.substr(0, equals));
    }
    return bits;
}

void take_names(Raw& raw) {
    RunOptions& o = raw.options;
    o.per_channel = raw.granularity == "channel";
    o.sites = kSites.at(raw.sites);
    o.math = kMaths.at(raw.math);
    o.interpolation = interpolation_named(raw.interpolation);
    if (!raw.mean.empty()) o.mean = parse_means(raw.mean);
    if (!raw.std.empty()) o.std = parse_deviations(raw.std);
    if (!raw.class_order.empty()) o.class_order = kClassOrders.at(raw.class_order);
    o.layer_bits = named_bits("--bits", raw.layer_bits);
    o.site_bits = named_bits("--act-bits", raw.site_bits);
}

/// What the method decides where it was not given.
void take_recipe(Raw& raw, const CLI::App& app) {
    RunOptions& o = raw.options;
    if (o.learns()) o.recipe = settled_recipe(o.method, raw.learning);
    if (o.calib_augment) {
        if (app.count("--calib-views") && o.recipe.views > 1)
            usage_error("--calib-augment: each image is a random part of itself already; leave --calib-views at 1");
        o.recipe.views = 1;
    }
    o.recipe.learn.seed = o.seed;
    if (o.recipe.scales) o.recipe.scales->seed = o.seed;
    if (!app.count("--scheme")) o.scheme = o.recipe.scheme;
    if (!app.count("--act-scheme")) o.activation_scheme = o.scheme;
    if (!app.count("--fold")) o.fold = o.recipe.fold;
    if (!app.count("--lr-channel") && !(o.fold && o.per_channel)) {
        o.recipe.learn.learn_channels = false;
        o.recipe.learn.schedule.channel_rate = 0.0;
    }
    o.edges = app.count("--edge-acts") ? kEdges.at(raw.edges) : o.recipe.edges;
}

/// The bundled model comes with widths at which rounding matters, with its data, and with a method that learns.
void take_bundled(Raw& raw, const CLI::App& app) {
    RunOptions& o = raw.options;
    if (!o.weights.empty()) return;
    if (app.count("--checkpoint-key")) usage_error("--checkpoint-key: only with --weights");
    o.weight_bits = kBundledWeightBits;
    o.activation_bits = kBundledActivationBits;
    o.bundled_data = o.calib.empty() && o.val.empty();
    if (!o.bundled_data) return;
    o.calib = std::string(kBundledData) + ":train";
    o.val = std::string(kBundledData) + ":test";
    if (!app.count("--method") && !o.float_only) o.method = "adaround";
    o.compare_nearest = o.learns();
    if (!raw.learning.iterations) raw.learning.iterations = kBundledIterations;
    if (o.method == "brecq" && !raw.learning.scale_iterations) raw.learning.scale_iterations = kBundledIterations / 2;
}

void check_nearest(const RunOptions& o, const CLI::App& app) {
    if (o.learns()) return;
    std::vector<std::string> options = learning_option_names();
    options.insert(options.end(), std::begin(kLearningRunOptions), std::end(kLearningRunOptions));
    for (const std::string& option : options) {
        if (app.count(option)) usage_error("{}: only with a --method that learns, such as adaround", option);
    }
}

void check_learning(const RunOptions& o, const CLI::App& app) {
    if (o.fold && o.recipe.learn.norms == NormStatistics::batch)
        usage_error("--bn batch: with {} no batch norm is left; {}",
                    app.count("--fold") ? "--fold" : "--method " + o.method,
                    app.count("--fold") ? "leave one of them out" : "give --no-fold too");
    if (o.recipe.learn.learn_channels && !o.fold)
        usage_error("--lr-channel: learns biases, and kept batch norms have none; give --fold too");
    if (o.recipe.learn.learn_channels && !o.per_channel)
        usage_error("--lr-channel: learns a scale of each channel; leave --granularity at channel");
    if (o.resume && o.state.empty()) usage_error("--resume: needs --state DIR, where the earlier run kept its layers");
    memory_size(o.memory, 0);  // refuses what is no size
    if (o.learns() && o.calib.empty()) usage_error("--method {}: --calib is needed to learn from", o.method);
}

void check_files(const RunOptions& o) {
    if (!o.logits.empty() && std::filesystem::path(o.logits).extension() != ".npy")
        usage_error("--logits {}: expected a .npy file", o.logits);
    if (!o.save.empty() && std::filesystem::path(o.save).extension() != ".bin")
        usage_error("--save {}: expected a .bin file (adaq-convert makes others of it)", o.save);
}

}  // namespace

RunOptions settled(Raw& raw, const CLI::App& app) {
    RunOptions& o = raw.options;
    take_reports(raw);
    check_once("--w", app);
    check_once("--a", app);
    take_names(raw);
    take_bundled(raw, app);
    check_nearest(o, app);
    take_recipe(raw, app);
    if (raw.weight_bits) o.weight_bits = raw.weight_bits;
    if (raw.activation_bits) o.activation_bits = raw.activation_bits;
    check_learning(o, app);
    for (const char* option :
         {"--method", "--scheme", "--act-scheme", "--p", "--granularity", "--fold", "--symmetric", "--act-sites",
          "--head-stem-8bit", "--edge-acts", "--input-bits", "--bits", "--act-bits"}) {
        o.quantisation_asked = o.quantisation_asked || app.count(option) > 0;
    }
    o.quantisation_asked = o.quantisation_asked || raw.weight_bits || raw.activation_bits;
    if (o.float_only && (o.quantisation_asked || !o.save.empty())) {
        usage_error("--float: quantises nothing; options that say how to quantise, and --save, do not go with it");
    }
    if (app.count("--edge-acts") && !o.head_stem_8bit)
        usage_error("--edge-acts {}: only with --head-stem-8bit", raw.edges);
    check_files(o);
    if (o.threads == 0) o.threads = std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
    return o;
}

}  // namespace adaq
