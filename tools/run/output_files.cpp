#include "tools/run/output_files.h"

#include "adaq/quantise.h"
#include "loaders/onnx/onnx.h"
#include "tools/run/bundled.h"

namespace adaq {
namespace {

std::vector<NamedPath> inputs_of(const RunOptions& o) {
    std::vector<NamedPath> inputs{{"--weights", o.weights.empty() ? bundled_weights() : o.weights},
                                  {"--calib", o.images.calib},
                                  {"--val", o.images.val},
                                  {"--val-labels", o.images.val_labels},
                                  {"--classes", o.images.classes}};
    if (!o.quantise.state.empty()) inputs.push_back({"--state", o.quantise.state + "/run.json"});
    return inputs;
}

}  // namespace

std::vector<NamedPath> outputs_of(const RunOptions& o) {
    std::vector<NamedPath> outputs{
        {"--save", o.save},
        {"--encodings", o.save_options.encodings == "aimet" ? onnx_encodings_path(o.save) : ""},
        {"--report", o.report_html},
        {"--report", o.report_json},
        {"--logits", o.logits}};
    std::erase_if(outputs, [](const NamedPath& output) { return output.path.empty(); });
    return outputs;
}

void check_outputs(const RunOptions& options) {
    check_outputs(outputs_of(options), inputs_of(options));
    if (options.quantise.state.empty()) return;
    check_state(options.quantise);
    check_output_folder({"--state", options.quantise.state});
}

}  // namespace adaq
