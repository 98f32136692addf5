// See raw_options.h.
#include <algorithm>
#include <filesystem>
#include <map>
#include <thread>

#include "adaq/model.h"
#include "engine/error.h"
#include "loaders/channel_values.h"
#include "tools/run/bundled.h"
#include "tools/run/raw_options.h"

namespace adaq {
namespace {

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
    if (!raw.mean.empty()) o.images.mean = parse_means(raw.mean);
    if (!raw.std.empty()) o.images.std = parse_deviations(raw.std);
    o.quantise.bits = named_bits("--bits", raw.layer_bits);
    o.quantise.act_bits = named_bits("--act-bits", raw.site_bits);
}

/// The bundled model comes with widths at which rounding matters, with its data, and with a method that learns.
void take_bundled(Raw& raw, const CLI::App& app) {
    RunOptions& o = raw.options;
    if (!o.weights.empty()) return;
    for (const char* option : {"--checkpoint-key", "--arch"})
        if (app.count(option)) usage_error("{}: only with --weights", option);
    QuantiseOptions& q = o.quantise;
    q.weight_bits = kBundledWeightBits;
    q.activation_bits = kBundledActivationBits;
    o.bundled_data = o.images.calib.empty() && o.images.val.empty();
    if (!o.bundled_data) return;
    o.images.calib = std::string(kBundledData) + ":train";
    o.images.val = std::string(kBundledData) + ":test";
    if (!app.count("--method") && !o.float_only) q.method = "adaround";
    q.compare_nearest = q.compare_nearest || q.learns();
    if (!q.learns()) return;
    if (!q.learning.iters) q.learning.iters = kBundledIterations;
    if (q.method == "brecq" && !q.learning.iters_scale) q.learning.iters_scale = kBundledIterations / 2;
}

/// An .onnx file of a network that is made for a runtime is for that one.
void take_target(RunOptions& o, const CLI::App& app) {
    const std::string made_for = o.quantise.deploy.value_or("adaq");
    if (made_for == "adaq" || std::filesystem::path(o.save).extension() != ".onnx") return;
    SaveOptions& save = o.save_options;
    if (app.count("--for") == 0 && save.encodings != "aimet") save.target = made_for;
    if (save.target != made_for && save.target != "any")
        usage_error("--for {}: --deploy {} makes a network for another runtime", save.target, made_for);
}

void check_files(const RunOptions& o) {
    if (!o.logits.empty() && std::filesystem::path(o.logits).extension() != ".npy")
        usage_error("--logits {}: expected a .npy file", o.logits);
    if (o.save.empty()) {
        if (o.save_options != SaveOptions{})
            usage_error("--for, --onnx-input, --pack and --encodings are for --save with an .onnx file");
        return;
    }
    const std::string extension = std::filesystem::path(o.save).extension();
    if (extension != ".bin" && extension != ".onnx")
        usage_error("--save {}: expected a .bin or an .onnx file (adaq-convert makes others of it)", o.save);
    check_save(o.save, o.save_options);
}

}  // namespace

RunOptions settled(Raw& raw, const CLI::App& app) {
    RunOptions& o = raw.options;
    take_reports(raw);
    check_once("--w", app);
    check_once("--a", app);
    take_names(raw);
    take_bundled(raw, app);
    if (raw.weight_bits) o.quantise.weight_bits = raw.weight_bits;
    if (raw.activation_bits) o.quantise.activation_bits = raw.activation_bits;
    o.quantise = settled(std::move(o.quantise));
    if (o.quantise.learns() && o.images.calib.empty())
        usage_error("--method {}: --calib is needed to learn from", o.quantise.method);
    for (const char* option :
         {"--method", "--scheme", "--act-scheme", "--p", "--granularity", "--fold", "--symmetric", "--act-sites",
          "--deploy", "--head-stem-8bit", "--edge-acts", "--input-bits", "--bits", "--act-bits"}) {
        o.quantisation_asked = o.quantisation_asked || app.count(option) > 0;
    }
    o.quantisation_asked = o.quantisation_asked || raw.weight_bits || raw.activation_bits;
    if (o.float_only && (o.quantisation_asked || !o.save.empty())) {
        usage_error("--float: quantises nothing; options that say how to quantise, and --save, do not go with it");
    }
    if (o.float_only && o.simulate) usage_error("--simulate: of a quantised network, and --float quantises nothing");
    take_target(o, app);
    check_files(o);
    if (o.device.threads == 0) o.device.threads = std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
    return o;
}

}  // namespace adaq
