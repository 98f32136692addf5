#include "tools/run/options.h"

#include <CLI/CLI.hpp>
#include <filesystem>
#include <map>
#include <thread>

#include "engine/error.h"
#include "tools/run/bundled.h"
#include "tools/run/learning_options.h"
#include "tools/run/memory_size.h"
#include "tools/run/option_names.h"
#include "tools/run/program.h"

namespace adaq {
namespace {

const std::vector<std::string>& method_names() {
    static const std::vector<std::string> names = [] {
        std::vector<std::string> all{"nearest"};
        all.insert(all.end(), recipe_names().begin(), recipe_names().end());
        return all;
    }();
    return names;
}

/// Of the run and not of the recipe.
constexpr const char* kLearningRunOptions[] = {"--state", "--resume", "--memory", "--compare-nearest"};

/// What the user typed, before anything depends on anything.
struct Raw {
    RunOptions options;
    std::vector<std::string> reports;
    std::string granularity = "channel", sites = "block", edges, math = "fp32";
    std::vector<std::string> layer_bits, site_bits;
    int weight_bits = 0, activation_bits = 0;
    LearningOptions learning;
};

void add_bit_options(CLI::App& app, Raw& raw) {
    app.add_option("--w", raw.weight_bits, "Bits of the weights, 2 to 8; also --w2 ... --w8")
        ->type_name("BITS")
        ->check(CLI::Range(2, 8))
        ->group("Quantisation");
    app.add_option("--a", raw.activation_bits,
                   "Bits of the activations, 2 to 8, or 32 for float; also --a2 ... --a8, --a32")
        ->type_name("BITS")
        ->group("Quantisation");
    for (int bits = 2; bits <= 8; ++bits) {
        app.add_flag_callback("--w" + std::to_string(bits), [&raw, bits] { raw.weight_bits = bits; })->group("");
        app.add_flag_callback("--a" + std::to_string(bits), [&raw, bits] { raw.activation_bits = bits; })->group("");
    }
    app.add_flag_callback("--a32", [&raw] { raw.activation_bits = 32; })->group("");
}

void add_quantisation_options(CLI::App& app, Raw& raw) {
    RunOptions& o = raw.options;
    add_bit_options(app, raw);
    const auto group = [](CLI::Option* option) { return option->group("Quantisation"); };
    group(app.add_option("--method", o.method,
                         fmt::format("How weights are rounded: {}", fmt::join(method_names(), ", ")))
              ->check(CLI::IsMember(method_names())))
        ->capture_default_str();
    group(
        app.add_option("--scheme", o.scheme,
                       fmt::format("How ranges are chosen: {} [by method, see below]", fmt::join(scheme_names(), ", ")))
            ->check(CLI::IsMember(scheme_names())));
    group(app.add_option("--act-scheme", o.activation_scheme, "The same for activations [--scheme]")
              ->check(CLI::IsMember(scheme_names())));
    group(app.add_option("--p", o.p, "Exponent of the norm that norm and norm-legacy minimise")
              ->check(CLI::Range(0.5, 16.0)))
        ->capture_default_str();
    group(app.add_option("--granularity", raw.granularity, "One weight scale a channel or a layer: channel, layer")
              ->check(CLI::IsMember({"channel", "layer"})))
        ->capture_default_str();
    group(app.add_flag("--fold,!--no-fold", o.fold,
                       "Fold batch norms into the convolutions before quantising, or keep them [by method]"));
    group(app.add_flag("--symmetric", o.symmetric,
                       "Zero point 0 for every weight, for integer engines that know no other"));
    group(app.add_option("--act-sites", raw.sites, "Quantise the output of each ReLU (block) or of each layer (layer)")
              ->check(CLI::IsMember(kSites)))
        ->capture_default_str();
    group(
        app.add_flag("--head-stem-8bit", o.head_stem_8bit, "8 bits for the first and last layer and for --edge-acts"));
    group(app.add_option("--edge-acts", raw.edges,
                         "With --head-stem-8bit, which activations have 8 bits: the stem's output, the one that feeds "
                         "fc, both: stem, fc, both [by method]")
              ->check(CLI::IsMember(kEdges)));
    group(app.add_option("--bits", raw.layer_bits,
                         "Bits of single layers' weights, whatever --w says: layer1.0.conv1=8,fc=8")
              ->delimiter(','))
        ->type_name("LAYER=BITS,...");
    group(app.add_option("--act-bits", raw.site_bits,
                         "The same for activations, by what produces them: conv1=8,layer1.0.conv1=3,layer1.0=8")
              ->delimiter(','))
        ->type_name("SITE=BITS,...");
    group(app.add_flag("--float", o.float_only, "Quantise nothing: evaluate the float network alone"));
    group(app.add_option("--input-bits", o.input_bits, "Bits of the network's input, 2 to 8, or 32 for float"))
        ->type_name("BITS")
        ->capture_default_str();
}

void add_learning_run_options(CLI::App& app, RunOptions& o) {
    const auto group = [](CLI::Option* option) { return option->group("Running what learns"); };
    group(app.add_flag("--compare-nearest", o.compare_nearest,
                       "Evaluate the same bits rounded to nearest, too, to see what learning wins [on with the bundled "
                       "data]"));
    group(app.add_option("--state", o.state, "Keep each finished unit in this folder, so that --resume can go on"))
        ->type_name("DIR");
    group(app.add_flag("--resume", o.resume, "Go on from the finished units in --state, to the same bits"));
    group(app.add_option("--memory", o.memory,
                         "Memory for the units' inputs and targets: 6G, 500M, or a share of what is free; the rest is "
                         "kept in files (CPU) or in the host's memory (cuda)"))
        ->type_name("SIZE")
        ->capture_default_str();
}

void add_data_options(CLI::App& app, Raw& raw) {
    RunOptions& o = raw.options;
    const auto group = [](CLI::Option* option) { return option->group("Model and data"); };
    group(app.add_option("--weights", o.weights,
                         "A torchvision ResNet: .pth, .safetensors or .bin; a quantised .bin is evaluated as it is "
                         "[the bundled model]"))
        ->type_name("FILE");
    group(app.add_option("--calib", o.calib,
                         "Calibration images: class folders, a plain folder, or IDX files (DIR:train)"))
        ->type_name("DIR");
    group(app.add_option(
              "--val", o.val,
              "Validation images with labels: class folders, a folder with labels.txt, or IDX files (DIR:test)"))
        ->type_name("DIR");
    group(app.add_option(
              "--val-labels", o.val_labels,
              "Label file of a plain --val folder: a line 'name label' an image [labels.txt or labels.csv in it]"))
        ->type_name("FILE");
    group(app.add_option("--images", o.images, "Calibration images: the first so many, one of each class in turn")
              ->check(CLI::PositiveNumber))
        ->type_name("N")
        ->capture_default_str();
    group(app.add_option("--val-images", o.val_images, "Validation images: the first so many [all]")
              ->check(CLI::NonNegativeNumber))
        ->type_name("N");
    group(app.add_option(
                 "--resize", o.resize,
                 "Shorter edge of an image before cropping, pixels; 0: as it is [the file's, else see --help's end]")
              ->check(CLI::Range(0, 4096)))
        ->type_name("PIXELS");
    group(app.add_option("--crop", o.crop, "Centre crop, pixels; 0: none")->check(CLI::Range(0, 4096)))
        ->type_name("PIXELS");
    group(app.add_flag("--calib-augment", o.calib_augment,
                       "RandomResizedCrop and flip the calibration images, seeded by --seed"));
}

void add_run_options(CLI::App& app, Raw& raw) {
    RunOptions& o = raw.options;
    app.add_option("--device", o.device, "auto (cuda where there is a card), cuda, cpu, or reference (float64, slow)")
        ->capture_default_str()
        ->group("Running");
    app.add_option(
           "--math", raw.math,
           "What convolutions and matrix products round their operands to: fp32 (not at all), tf32 (cuda), bf16")
        ->check(CLI::IsMember(kMaths))
        ->capture_default_str()
        ->group("Running");
    app.add_option("--threads", o.threads, "Threads; 0: every core")
        ->check(CLI::Range(0, 1024))
        ->type_name("N")
        ->capture_default_str()
        ->group("Running");
    app.add_option("--batch", o.batch, "Images evaluated at a time")
        ->check(CLI::Range(1, 4096))
        ->type_name("N")
        ->capture_default_str()
        ->group("Running");
    app.add_option("--seed", o.seed, "Of everything random")->type_name("N")->capture_default_str()->group("Running");
    app.add_flag("--dry-run", o.dry_run,
                 "Print the plan and stop: layers, shapes, memory, estimated time. Writes nothing")
        ->group("Running");
    app.add_option("--save", o.save, "Write the quantised model: integers packed, scales, biases (weights/FORMAT.md)")
        ->type_name("FILE")
        ->group("Results");
    app.add_option("--report", raw.reports,
                   "Write a report: .html, a page with plots; .json, everything. May be given twice")
        ->type_name("FILE")
        ->group("Results");
    app.add_option("--logits", o.logits,
                   "Write the network's logits on the validation images: float32 [images, classes]")
        ->type_name("FILE.npy")
        ->group("Results");
}

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

void check_bits(const char* option, int bits) {
    if (bits != 32 && (bits < 2 || bits > 8)) usage_error("{} {}: expected 2 to 8, or 32 for float", option, bits);
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
    o.layer_bits = named_bits("--bits", raw.layer_bits);
    o.site_bits = named_bits("--act-bits", raw.site_bits);
}

/// What the method decides where it was not given.
void take_recipe(Raw& raw, const CLI::App& app) {
    RunOptions& o = raw.options;
    if (o.learns()) o.recipe = settled_recipe(o.method, raw.learning);
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

RunOptions settle(Raw& raw, const CLI::App& app) {
    RunOptions& o = raw.options;
    take_reports(raw);
    if (app.count("--a")) check_bits("--a", raw.activation_bits);
    check_bits("--input-bits", o.input_bits);
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

constexpr const char* kFooter = R"(
What the methods take where it is not given
            scheme   batch norms  unit   --lr  --lr-scale       --lambda  --loss       scales start from
  nearest   norm     kept         -      -     -                -         -            256 images, in turn
  adaround  norm     kept         layer  1e-2  1e-3             1         mean         256 images, in turn
  brecq     lp       folded       block  1e-3  4e-4, cosine     0.01      channel-sum  64 images, behind the weights
  qdrop     orgnorm  folded       block  1e-3  4e-5, cosine     0.01      channel-sum  256 images, the float network's
  pdquant   orgnorm  folded       block  3e-3  4e-5, cosine     0.01      channel-sum  256 images, in turn
  best      orgnorm  folded       block  2e-2  4e-4, cosine     0.01      channel-sum  256 images, the float network's
20,000 iterations (brecq: 5,000 more for scales alone; best: 2,000) of 32 images. qdrop, pdquant and best draw with
replacement, and keep half of each input and activation quantised; pdquant adds the difference in prediction, T = 4,
divided by 0.1; best learns channels' weight scales and biases too (--lr-channel 4e-3).
--head-stem-8bit: the activation with 8 bits is the stem's output with adaround, brecq and best, else the one that
feeds fc.

How images are prepared, where neither the weights file nor --resize and --crop say it: used as they are if all have one
size, else resized to 256 and cropped to 224. Normalised by the file's mean and standard deviation, or ImageNet's.

Examples
  adaq-run                                      the bundled model and data, in a minute
  adaq-run --weights resnet18.pth --calib DIR --val DIR --w4 --a8 --report r.html
  adaq-run --weights resnet18.pth --calib DIR --w4 --a8 --save q.bin
  adaq-run --weights q.bin --val DIR            evaluate what was saved)";

}  // namespace

std::optional<RunOptions> parse_options(int argc, char** argv) {
    CLI::App app("Quantise a ResNet after training, and tell what it costs.", "adaq-run");
    app.footer(kFooter);
    app.set_version_flag("--version", std::string("adaq ") + ADAQ_VERSION);
    Raw raw;
    add_data_options(app, raw);
    add_quantisation_options(app, raw);
    add_learning_options(app, raw.learning);
    add_learning_run_options(app, raw.options);
    add_run_options(app, raw);
    if (!read_command_line(app, argc, argv)) return std::nullopt;
    raw.options.command = fmt::format("{}", fmt::join(argv, argv + argc, " "));
    return settle(raw, app);
}

}  // namespace adaq
