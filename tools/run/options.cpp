#include "tools/run/options.h"

#include <CLI/CLI.hpp>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <thread>

#include "engine/error.h"
#include "tools/run/bundled.h"
#include "tools/run/memory_size.h"

namespace adaq {
namespace {

const std::map<std::string, ActivationSites> kSites{{"block", ActivationSites::block},
                                                    {"layer", ActivationSites::layer}};
const std::map<std::string, EdgeActivations> kEdges{
    {"stem", EdgeActivations::stem}, {"fc", EdgeActivations::fc}, {"both", EdgeActivations::both}};

const std::map<std::string, Math> kMaths{{"fp32", Math::f32}, {"tf32", Math::tf32}, {"bf16", Math::bf16}};
const std::map<std::string, Reconstruction> kLosses{{"mean", Reconstruction::mean},
                                                    {"channel-sum", Reconstruction::channel_sum}};
const std::map<std::string, RoundingStart> kRoundingStarts{{"fraction", RoundingStart::fraction},
                                                           {"nearest", RoundingStart::nearest}};
const std::map<std::string, NormStatistics> kNorms{{"fixed", NormStatistics::fixed}, {"batch", NormStatistics::batch}};
constexpr const char* kLearningOptions[] = {
    "--iters",         "--minibatch", "--lr",    "--lr-scale", "--lambda", "--warm-up",        "--loss",
    "--rounding-init", "--bn",        "--state", "--resume",   "--memory", "--compare-nearest"};

template <typename T>
std::string name_of(const std::map<std::string, T>& names, T value) {
    for (const auto& [name, candidate] : names) {
        if (candidate == value) return name;
    }
    return "";
}

/// What the user typed, before anything depends on anything.
struct Raw {
    RunOptions options;
    std::vector<std::string> reports;
    std::string granularity = "channel", sites = "block", edges = "fc", loss = "mean", rounding_start = "fraction",
                norms = "fixed", math = "fp32";
    int weight_bits = 0, activation_bits = 0;
    CLI::Option *activation_scheme = nullptr, *scheme = nullptr;
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
    group(app.add_option("--method", o.method, "How weights are rounded: nearest, adaround")
              ->check(CLI::IsMember({"nearest", "adaround"})))
        ->capture_default_str();
    raw.scheme = group(app.add_option("--scheme", o.scheme,
                                      "How ranges are chosen: " + fmt::format("{}", fmt::join(scheme_names(), ", ")))
                           ->check(CLI::IsMember(scheme_names())))
                     ->capture_default_str();
    raw.activation_scheme =
        group(app.add_option("--act-scheme", o.activation_scheme, "The same for activations [--scheme]")
                  ->check(CLI::IsMember(scheme_names())));
    group(app.add_option("--p", o.p, "Exponent of the norm that norm and norm-legacy minimise")
              ->check(CLI::Range(0.5, 16.0)))
        ->capture_default_str();
    group(app.add_option("--granularity", raw.granularity, "One weight scale a channel or a layer: channel, layer")
              ->check(CLI::IsMember({"channel", "layer"})))
        ->capture_default_str();
    group(app.add_flag("--fold", o.fold, "Fold batch norms into the convolutions before quantising"));
    group(app.add_flag("--symmetric", o.symmetric,
                       "Zero point 0 for every weight, for integer engines that know no other"));
    group(app.add_option("--act-sites", raw.sites, "Quantise the output of each ReLU (block) or of each layer (layer)")
              ->check(CLI::IsMember(kSites)))
        ->capture_default_str();
    group(
        app.add_flag("--head-stem-8bit", o.head_stem_8bit, "8 bits for the first and last layer and for --edge-acts"));
    group(app.add_option("--edge-acts", raw.edges,
                         "With --head-stem-8bit, which activations have 8 bits: the stem's output, the one that feeds "
                         "fc, both: stem, fc, both")
              ->check(CLI::IsMember(kEdges)))
        ->capture_default_str();
    group(app.add_flag("--float", o.float_only, "Quantise nothing: evaluate the float network alone"));
    group(app.add_option("--input-bits", o.input_bits, "Bits of the network's input, 2 to 8, or 32 for float"))
        ->type_name("BITS")
        ->capture_default_str();
}

void add_learning_options(CLI::App& app, Raw& raw) {
    RunOptions& o = raw.options;
    const auto group = [](CLI::Option* option) { return option->group("Learning (--method adaround)"); };
    group(app.add_option("--iters", o.iterations, "Iterations a layer")->check(CLI::Range(1, 1 << 24)))
        ->type_name("N")
        ->capture_default_str();
    group(app.add_option("--minibatch", o.minibatch, "Images an iteration")->check(CLI::Range(1, 4096)))
        ->type_name("N")
        ->capture_default_str();
    group(app.add_option("--lr", o.rounding_rate, "Learning rate of the rounding")->check(CLI::Range(0.0, 1e38)))
        ->capture_default_str();
    group(app.add_option("--lr-scale", o.scale_rate, "Learning rate of the activation scales")
              ->check(CLI::Range(0.0, 1e38)))
        ->capture_default_str();
    group(app.add_option("--lambda", o.lambda, "Weight of the term that drives roundings to 0 or 1")
              ->check(CLI::Range(0.0, 1e6)))
        ->capture_default_str();
    group(app.add_option("--warm-up", o.warm_up, "Share of the iterations before that term sets in")
              ->check(CLI::Range(0.0, 1.0)))
        ->capture_default_str();
    group(app.add_option("--loss", raw.loss,
                         "Squared error, mean over every element or summed over channels: mean, channel-sum")
              ->check(CLI::IsMember(kLosses)))
        ->capture_default_str();
    group(app.add_option(
                 "--rounding-init", raw.rounding_start,
                 "Where roundings start: at each weight's own fraction, or at the nearest integer: fraction, nearest")
              ->check(CLI::IsMember(kRoundingStarts)))
        ->capture_default_str();
    group(app.add_option("--bn", raw.norms,
                         "Statistics of a layer's batch norm while it learns: its own, or each batch's, which move "
                         "its own: fixed, batch")
              ->check(CLI::IsMember(kNorms)))
        ->capture_default_str();
    group(app.add_flag("--compare-nearest", o.compare_nearest,
                       "Evaluate the same bits rounded to nearest, too, to see what learning wins [on with the bundled "
                       "data]"));
    group(app.add_option("--state", o.state, "Keep each finished layer in this folder, so that --resume can go on"))
        ->type_name("DIR");
    group(app.add_flag("--resume", o.resume, "Go on from the finished layers in --state, to the same bits"));
    group(app.add_option("--memory", o.memory,
                         "Memory for the layers' inputs and targets: 6G, 500M, or a share of what is free; the rest is "
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

void take_names(Raw& raw) {
    RunOptions& o = raw.options;
    o.per_channel = raw.granularity == "channel";
    o.sites = kSites.at(raw.sites);
    o.edges = kEdges.at(raw.edges);
    if (!raw.activation_scheme->count()) o.activation_scheme = o.scheme;
    o.loss = kLosses.at(raw.loss);
    o.math = kMaths.at(raw.math);
    o.rounding_start = kRoundingStarts.at(raw.rounding_start);
    o.norms = kNorms.at(raw.norms);
}

/// The bundled model comes with widths at which rounding matters, with its data, and with a method that learns.
void take_bundled(RunOptions& o, const CLI::App& app) {
    if (!o.weights.empty()) return;
    o.weight_bits = kBundledWeightBits;
    o.activation_bits = kBundledActivationBits;
    o.bundled_data = o.calib.empty() && o.val.empty();
    if (!o.bundled_data) return;
    o.calib = std::string(kBundledData) + ":train";
    o.val = std::string(kBundledData) + ":test";
    if (!app.count("--method") && !o.float_only) o.method = "adaround";
    o.compare_nearest = o.learns();
    if (!app.count("--iters")) o.iterations = kBundledIterations;
}

void check_learning(const RunOptions& o, const CLI::App& app) {
    for (const char* option : kLearningOptions) {
        if (app.count(option) && !o.learns())
            usage_error("{}: only with a --method that learns, such as adaround", option);
    }
    if (o.fold && o.norms == NormStatistics::batch)
        usage_error("--bn batch: with --fold no batch norm is left; leave one of them out");
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
    take_bundled(o, app);
    if (raw.weight_bits) o.weight_bits = raw.weight_bits;
    if (raw.activation_bits) o.activation_bits = raw.activation_bits;
    check_learning(o, app);
    for (const char* option : {"--method", "--scheme", "--act-scheme", "--p", "--granularity", "--fold", "--symmetric",
                               "--act-sites", "--head-stem-8bit", "--edge-acts", "--input-bits"}) {
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
    add_learning_options(app, raw);
    add_run_options(app, raw);
    try {
        app.parse(argc, argv);
    } catch (const CLI::Success& message) {
        app.exit(message);
        return std::nullopt;
    } catch (const CLI::ParseError& error) {
        usage_error("{}", error.what());
    }
    raw.options.command = fmt::format("{}", fmt::join(argv, argv + argc, " "));
    return settle(raw, app);
}

std::string settings_json(const RunOptions& o, const Device& device) {
    nlohmann::ordered_json settings{{"method", o.method},
                                    {"weight_bits", o.weight_bits},
                                    {"activation_bits", o.activation_bits},
                                    {"input_bits", o.input_bits},
                                    {"scheme", o.scheme},
                                    {"act_scheme", o.activation_scheme},
                                    {"p", o.p},
                                    {"granularity", o.per_channel ? "channel" : "layer"},
                                    {"fold", o.fold},
                                    {"symmetric", o.symmetric},
                                    {"act_sites", name_of(kSites, o.sites)},
                                    {"head_stem_8bit", o.head_stem_8bit},
                                    {"edge_acts", name_of(kEdges, o.edges)},
                                    {"images", o.images},
                                    {"calib_augment", o.calib_augment},
                                    {"seed", o.seed},
                                    {"batch", o.batch},
                                    {"threads", o.threads},
                                    {"device", device.name()},
                                    {"processor", device.description()},
                                    {"math", device.name() == "reference" ? "fp64" : to_string(o.math)},
                                    {"build", "adaq " ADAQ_VERSION ", g++ " __VERSION__}};
    if (o.learns())
        settings.update({{"iters", o.iterations},
                         {"minibatch", o.minibatch},
                         {"lr", o.rounding_rate},
                         {"lr_scale", o.scale_rate},
                         {"lambda", o.lambda},
                         {"warm_up", o.warm_up},
                         {"loss", name_of(kLosses, o.loss)},
                         {"rounding_init", name_of(kRoundingStarts, o.rounding_start)},
                         {"bn", name_of(kNorms, o.norms)}});
    return settings.dump();
}

}  // namespace adaq
