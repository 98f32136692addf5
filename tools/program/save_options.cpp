// See save_options.h.
#include "tools/program/save_options.h"

#include "tools/program/command_line.h"

namespace adaq {

void declare_save_options(CLI::App& app, SaveOptions& options, const std::string& group) {
    app.add_option("--for", options.target,
                   "The runtime that an .onnx file is for, whose rules it follows: any, ort (onnxruntime), openvino, "
                   "tensorrt")
        ->transform(word_of("target"))
        ->capture_default_str()
        ->group(group);
    app.add_option("--onnx-input", options.onnx_input,
                   "What an .onnx file reads: float (normalised, [N,C,H,W]) or u8 (pixels as decoded, [N,H,W,C])")
        ->transform(word_of("onnx_input"))
        ->capture_default_str()
        ->group(group);
    app.add_flag("--pack", options.pack,
                 "Keep weights of at most 4 bits as INT4, of 2 bits as INT2, in an .onnx file: smaller, for newer "
                 "runtimes")
        ->group(group);
    app.add_option("--encodings", options.encodings,
                   "aimet: write a float .onnx file, and the grids of weights and activations in AIMET's schema beside "
                   "it, NAME.encodings.json")
        ->transform(word_of("encodings"))
        ->capture_default_str()
        ->group(group);
}

}  // namespace adaq
