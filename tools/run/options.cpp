// See options.h: what can be given, and --help. settled_options.cpp makes one whole of it.
#include "tools/run/options.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <limits>

#include "tools/program/command_line.h"
#include "tools/program/save_options.h"
#include "tools/run/learning_options.h"
#include "tools/run/raw_options.h"

namespace adaq {
namespace {

void add_bit_options(CLI::App& app, Raw& raw) {
    app.add_option("--w", raw.weight_bits, "Bits of the weights, 2 to 8; also --w2 ... --w8")
        ->type_name("BITS")
        ->transform(number_of("weight_bits"))
        ->group("Quantisation");
    app.add_option("--a", raw.activation_bits,
                   "Bits of the activations, 2 to 8, or 32 for float; also --a2 ... --a8, --a32")
        ->type_name("BITS")
        ->transform(bits_or_float())
        ->group("Quantisation");
    const auto short_form = [&app](const std::string& name, int& value, int bits) {
        app.add_flag_callback(name + std::to_string(bits), [&value, bits] { value = bits; })
            ->disable_flag_override()
            ->group("");
    };
    for (int bits = 2; bits <= 8; ++bits) {
        short_form("--w", raw.weight_bits, bits);
        short_form("--a", raw.activation_bits, bits);
    }
    short_form("--a", raw.activation_bits, 32);
}

void add_quantisation_options(CLI::App& app, Raw& raw) {
    RunOptions& o = raw.options;
    add_bit_options(app, raw);
    const auto group = [](CLI::Option* option) { return option->group("Quantisation"); };
    group(app.add_option("--method", o.quantise.method,
                         fmt::format("How weights are rounded: {}", fmt::join(method_names(), ", ")))
              ->transform(word_of("method")))
        ->capture_default_str();
    group(app.add_option(
                 "--scheme", o.quantise.scheme,
                 fmt::format("How ranges are chosen: {} [by method, see below]", fmt::join(words_of("scheme"), ", ")))
              ->transform(word_of("scheme")));
    group(app.add_option("--act-scheme", o.quantise.act_scheme, "The same for activations [--scheme]")
              ->transform(word_of("scheme")));
    group(app.add_option("--p", o.quantise.p, "Exponent of the norm that norm and norm-legacy minimise")
              ->transform(number_of("p")))
        ->capture_default_str();
    group(
        app.add_option("--granularity", o.quantise.granularity, "One weight scale a channel or a layer: channel, layer")
            ->transform(word_of("granularity")))
        ->capture_default_str();
    group(app.add_flag_function(
        "--fold,!--no-fold", [&o](int64_t given) { o.quantise.fold = given > 0; },
        "Fold batch norms into the convolutions before quantising, or keep them [by method]"));
    group(app.add_flag("--symmetric", o.quantise.symmetric,
                       "Zero point 0 for every weight, for integer engines that know no other"));
    group(app.add_option("--act-sites", o.quantise.act_sites,
                         "Quantise the output of each ReLU (block) or of each layer (layer), or all that a runtime "
                         "needs to run whole networks as integers: deploy-ort, deploy-tensorrt [block]")
              ->transform(word_of("act_sites")));
    group(app.add_option("--deploy", o.quantise.deploy,
                         "Made for a runtime, to be computed there as it is evaluated here: ort, openvino, tensorrt, "
                         "adaq; sets --act-sites and --input-bits, and makes 8-bit weights symmetric")
              ->transform(word_of("deploy")));
    group(app.add_flag("--head-stem-8bit", o.quantise.head_stem_8bit,
                       "8 bits for the first and last layer and for --edge-acts"));
    group(app.add_option("--edge-acts", o.quantise.edge_acts,
                         "With --head-stem-8bit, which activations have 8 bits: the stem's output, the one that feeds "
                         "fc, both: stem, fc, both [by method]")
              ->transform(word_of("edge_acts")));
    group(app.add_option("--bits", raw.layer_bits,
                         "Bits of single layers' weights, whatever --w says: layer1.0.conv1=8,fc=8")
              ->delimiter(','))
        ->type_name("LAYER=BITS,...");
    group(app.add_option("--act-bits", raw.site_bits,
                         "The same for activations, by what produces them: conv1=8,layer1.0.conv1=3,layer1.0=8")
              ->delimiter(','))
        ->type_name("SITE=BITS,...");
    group(app.add_flag("--float", o.float_only, "Quantise nothing: evaluate the float network alone"));
    group(app.add_flag("--simulate", o.simulate,
                       "Evaluate the quantised network with integers held in float32, and not as integers: the same "
                       "logits, more slowly"));
    group(app.add_option("--input-bits", o.quantise.input_bits,
                         "Bits of the network's input, 2 to 8, or 32 for float [32; 8 "
                         "with --deploy or --act-sites deploy-...]")
              ->transform(bits_or_float()))
        ->type_name("BITS");
}

void add_learning_run_options(CLI::App& app, RunOptions& o) {
    const auto group = [](CLI::Option* option) { return option->group("Running what learns"); };
    group(app.add_flag("--compare-nearest", o.quantise.compare_nearest,
                       "Evaluate the same bits rounded to nearest, too, to see what learning wins [on with the bundled "
                       "data]"));
    group(app.add_option("--state", o.quantise.state,
                         "Keep each finished unit in this folder, so that --resume can go on"))
        ->type_name("DIR");
    group(app.add_flag("--resume", o.quantise.resume, "Go on from the finished units in --state, to the same bits"));
    group(app.add_option("--memory", o.quantise.memory,
                         "Memory for the units' inputs and targets: 6G, 500M, or a share of what is free; the rest is "
                         "kept in files (CPU) or in the host's memory (cuda)"))
        ->type_name("SIZE")
        ->capture_default_str();
}

void add_data_options(CLI::App& app, Raw& raw) {
    RunOptions& o = raw.options;
    const auto group = [](CLI::Option* option) { return option->group("Model and data"); };
    group(app.add_option("--weights", o.weights,
                         "A network that adaq builds: .pth, .safetensors, .bin or float .onnx; a quantised .bin is "
                         "evaluated as it is "
                         "[the bundled model]"))
        ->type_name("FILE");
    group(app.add_option("--checkpoint-key", o.load.checkpoint_key,
                         "Which of the networks in a checkpoint of torch.save: model_ema, ema.state_dict [state_dict "
                         "before model, net, averages, others]"))
        ->type_name("NAME");
    group(app.add_option("--arch", o.load.arch,
                         "What network the weights are, where tensors do not tell it from others: resnet50_os8 [the "
                         "checkpoint's own name for it]"))
        ->type_name("NAME");
    group(app.add_option("--calib", o.images.calib,
                         "Calibration images: class folders, a plain folder, or IDX files (DIR:train)"))
        ->type_name("DIR");
    group(app.add_option(
              "--val", o.images.val,
              "Validation images with labels: class folders, a folder with labels.txt, or IDX files (DIR:test)"))
        ->type_name("DIR");
    group(app.add_option(
              "--val-labels", o.images.val_labels,
              "Label file of a plain --val folder: a line 'name label' an image [labels.txt or labels.csv in it]"))
        ->type_name("FILE");
    group(app.add_option("--images", o.quantise.images,
                         "Calibration images: the first so many, one of each class in turn")
              ->transform(number_of("images")))
        ->type_name("N")
        ->capture_default_str();
    group(app.add_option("--val-images", o.images.val_images, "Validation images: the first so many [all]")
              ->transform(number_of("val_images")))
        ->type_name("N");
    group(app.add_option(
                 "--resize", o.images.resize,
                 "Shorter edge of an image before cropping, pixels; 0: as it is [the file's, else see --help's end]")
              ->transform(number_of("resize")))
        ->type_name("PIXELS");
    group(app.add_option("--crop", o.images.crop, "Centre crop, pixels; 0: none")->transform(number_of("crop")))
        ->type_name("PIXELS");
    group(app.add_option("--interpolation", o.images.interpolation,
                         "How images are resized: bilinear, bicubic (timm) [the file's, else bilinear]")
              ->transform(word_of("interpolation")));
    group(app.add_option("--mean", raw.mean,
                         "Mean of each channel, of pixel values from 0 to 1 [the file's, else ImageNet's]"))
        ->type_name("M,M,M");
    group(app.add_option("--std", raw.std, "Standard deviation of each [the file's, else ImageNet's]"))
        ->type_name("S,S,S");
    group(app.add_option("--classes", o.images.classes,
                         "Class names, one a line, for class folders and label files [the file's]"))
        ->type_name("FILE");
    group(app.add_option(
                 "--class-order", o.images.class_order,
                 "Class folders in which order: text (0, 1, 10, 2) or numeric (0, 1, 2, 10) [by class names where "
                 "all folders bear one, else text]")
              ->transform(word_of("class_order")))
        ->type_name("NAME");
    group(
        app.add_option("--label-offset", o.images.label_offset, "Added to class indices: -1 where labels count from 1")
            ->transform(number_of("label_offset")))
        ->type_name("N");
    group(app.add_flag("--calib-augment", o.quantise.calib_augment,
                       "RandomResizedCrop and flip the calibration images, seeded by --seed"));
}

void add_run_options(CLI::App& app, Raw& raw) {
    RunOptions& o = raw.options;
    app.add_option("--device", o.device.device,
                   "auto (cuda where there is a card), cuda, cpu, or reference (float64, slow)")
        ->capture_default_str()
        ->group("Running");
    app.add_option(
           "--math", o.device.math,
           "What convolutions and matrix products round their operands to: fp32 (not at all), tf32 (cuda), bf16")
        ->transform(word_of("math"))
        ->capture_default_str()
        ->group("Running");
    app.add_option("--threads", o.device.threads, "Threads; 0: every core")
        ->transform(number_of("threads"))
        ->type_name("N")
        ->capture_default_str()
        ->group("Running");
    app.add_option("--batch", o.device.batch, "Images evaluated at a time")
        ->transform(number_of("batch"))
        ->type_name("N")
        ->capture_default_str()
        ->group("Running");
    app.add_option("--seed", o.quantise.seed, "Of everything random")
        ->transform(whole_number(0, std::numeric_limits<uint64_t>::max()))
        ->type_name("N")
        ->capture_default_str()
        ->group("Running");
    app.add_flag("--dry-run", o.dry_run,
                 "Print the plan and stop: layers, shapes, memory, estimated time. Writes nothing")
        ->group("Running");
    app.add_option("--save", o.save,
                   "Write the quantised model: .bin, integers packed, scales, biases (weights/FORMAT.md), or .onnx")
        ->type_name("FILE")
        ->group("Results");
    declare_save_options(app, o.save_options, "Results");
    app.add_option("--report", raw.reports,
                   "Write a report: .html, a page with plots; .json, everything. May be given twice")
        ->type_name("FILE")
        ->group("Results");
    app.add_option("--logits", o.logits,
                   "Write the network's logits on the validation images: float32 [images, classes]")
        ->type_name("FILE.npy")
        ->group("Results");
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
divided by 0.1; best learns channels' weight scales and biases too (--lr-channel 4e-3), from --calib-views 4.
--head-stem-8bit: the activation with 8 bits is the stem's output with adaround, brecq and best, else the one that
feeds fc.

How images are prepared, where neither the weights file nor --resize and --crop say it: used as they are if all have one
size, resized to 256 and cropped to 224 if fewer than 95 of 100 have one, else refused. Normalised by the file's mean
and standard deviation, or ImageNet's.

Examples
  adaq-run                                      the bundled model and data, in a minute
  adaq-run --weights resnet18.pth --calib DIR --val DIR --w4 --a8 --report r.html
  adaq-run --weights resnet18.pth --calib DIR --w4 --a8 --save q.bin
  adaq-run --weights q.bin --val DIR            evaluate what was saved)";

}  // namespace

std::optional<RunOptions> parse_options(int argc, char** argv) {
    CLI::App app("Quantise a network after training, and tell what it costs.", "adaq-run");
    app.footer(kFooter);
    add_version_flag(app);
    Raw raw;
    add_data_options(app, raw);
    add_quantisation_options(app, raw);
    add_learning_options(app, raw.options.quantise.learning);
    add_learning_run_options(app, raw.options);
    add_run_options(app, raw);
    if (!read_command_line(app, argc, argv)) return std::nullopt;
    raw.options.command = fmt::format("{}", fmt::join(argv, argv + argc, " "));
    return settled(raw, app);
}

}  // namespace adaq
