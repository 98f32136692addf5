// adaq-convert: weights from any format that adaq reads into the flat binary, .safetensors or ONNX, without Python.
// Exit status 2 for a wrong command line, 1 for files that cannot be read, converted or written.
#include <CLI/CLI.hpp>
#include <filesystem>
#include <string>

#include "adaq/settings/save_settings.h"
#include "engine/error.h"
#include "loaders/onnx/onnx.h"
#include "loaders/weights/weights.h"
#include "tools/convert/metadata.h"
#include "tools/program/command_line.h"
#include "tools/program/interrupt.h"
#include "tools/program/outputs.h"
#include "tools/program/program.h"
#include "tools/program/save_options.h"
#include "tools/program/streams.h"

namespace {

using namespace adaq;

struct Options {
    std::string input, output;
    LoadOptions load;
    MetadataOptions metadata;
    SaveOptions save;
};

enum class Format { bin, safetensors, onnx };

Format format_of(const std::string& output) {
    if (output.ends_with(".bin")) return Format::bin;
    if (output.ends_with(".safetensors")) return Format::safetensors;
    if (output.ends_with(".onnx")) return Format::onnx;
    usage_error("OUT is {}, expected a name that ends in .bin, .safetensors or .onnx", output);
}

void declare(CLI::App& app, Options& options) {
    add_version_flag(app);
    app.add_option("IN", options.input,
                   "Weights: .bin, .pth (either of torch.save's formats), .safetensors, float .onnx; told apart by "
                   "content")
        ->required();
    app.add_option("OUT", options.output, "What to write: NAME.bin, NAME.safetensors or NAME.onnx")->required();
    app.add_option("--checkpoint-key", options.load.checkpoint_key,
                   "Which of the networks in a checkpoint of torch.save: model_ema, ema.state_dict")
        ->type_name("NAME");
    app.add_option("--arch", options.load.arch,
                   "What network the weights are, where tensors do not tell it from others: resnet50_os8")
        ->type_name("NAME");
    MetadataOptions& metadata = options.metadata;
    app.add_option("--classes", metadata.classes, "Class names, one a line, as many as the network has classes")
        ->type_name("FILE");
    app.add_option("--resize", metadata.resize, "Resize images to this shorter edge before cropping; 0: do not")
        ->type_name("PIXELS")
        ->transform(number_of("resize"));
    app.add_option("--crop", metadata.crop, "Crop a centred square of this edge; 0: do not")
        ->type_name("PIXELS")
        ->transform(number_of("crop"));
    app.add_option("--interpolation", metadata.interpolation, "How images are resized: bilinear, bicubic")
        ->type_name("NAME")
        ->transform(word_of("interpolation"));
    app.add_option("--mean", metadata.mean,
                   "Mean of each channel, of values in [0, 1] (default for RGB: 0.485,0.456,0.406)")
        ->type_name("M,M,M");
    app.add_option("--std", metadata.std, "Standard deviation of each (default for RGB: 0.229,0.224,0.225)")
        ->type_name("S,S,S");
    declare_save_options(app, options.save, "ONNX");
    app.footer(
        "A quantised .bin becomes .safetensors of the dequantised weights, with NAME.encodings.json beside it: scale,\n"
        "zero point, bits and scheme of every weight and activation. Nothing in a .pth is ever executed.\n\n"
        "  adaq-convert resnet18.pth resnet18.bin --resize 256 --crop 224 --classes imagenet.txt\n"
        "  adaq-convert quantised.bin quantised.safetensors\n"
        "  adaq-convert quantised.bin quantised.onnx --for openvino");
}

uint64_t bytes_on_disk(const std::string& path) { return std::filesystem::file_size(path); }

/// The file that is written beside OUT; empty: none, or not of every model.
std::string encodings_of(const Options& options, Format format) {
    if (format == Format::safetensors) return encodings_path(options.output);
    return options.save.encodings == "aimet" ? onnx_encodings_path(options.output) : "";
}

void save(const Options& options, Format format, const StoredModel& model) {
    if (format == Format::bin) return save_bin(options.output, model);
    if (format == Format::safetensors) return save_safetensors(options.output, model);
    for (const std::string& note : save_onnx(options.output, model, onnx_options(options.save)))
        complain("adaq-convert: note", note);
}

void convert(const Options& options) {
    const Format format = format_of(options.output);
    if (format == Format::onnx)
        (void)onnx_options(options.save);
    else if (options.save != SaveOptions{})
        usage_error("--for, --onnx-input, --pack and --encodings are for an OUT that ends in .onnx");
    check_usage(options.metadata);
    const std::string beside = encodings_of(options, format);
    check_outputs({{"OUT", options.output}, {"OUT", beside}},
                  {{"IN", options.input}, {"--classes", options.metadata.classes}});
    auto [model, notes] = find_weights(options.input, options.load.checkpoint_key, options.load.arch);
    for (const std::string& note : notes) complain("adaq-convert: note", note);
    const bool pixels = format == Format::onnx && onnx_options(options.save).input == OnnxInput::pixels;
    for (const std::string& note : apply(options.metadata, pixels, model)) complain("adaq-convert: note", note);
    stop_at_safe_places();  // the first signal lets the file be written
    save(options, format, model);

    const bool encodings = !beside.empty() && model.quantisation;
    const size_t quantised = model.quantisation ? model.quantisation->weights.size() : 0;
    print("{} -> {}: {}, {} tensors{}, {:.2f} MB{}\n", options.input, options.output, model.graph.description,
          model.tensors.size() + quantised, quantised ? fmt::format(" ({} quantised)", quantised) : "",
          static_cast<double>(bytes_on_disk(options.output)) / 1e6,
          encodings ? fmt::format("; encodings in {}", beside) : "");
}

}  // namespace

int main(int argc, char** argv) {
    return adaq::run_program("adaq-convert", [&] {
        Options options;
        CLI::App app("Converts weights of networks into adaq's flat binary, .safetensors or ONNX.", "adaq-convert");
        declare(app, options);
        if (read_command_line(app, argc, argv)) convert(options);
        return adaq::kOk;
    });
}
