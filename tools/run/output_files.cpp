#include "tools/run/output_files.h"

#include "tools/run/bundled.h"
#include "tools/run/state.h"

namespace adaq {
namespace {

std::vector<NamedPath> inputs_of(const RunOptions& o) {
    std::vector<NamedPath> inputs{{"--weights", o.weights.empty() ? bundled_weights() : o.weights},
                                  {"--calib", o.calib},
                                  {"--val", o.val},
                                  {"--val-labels", o.val_labels},
                                  {"--classes", o.classes}};
    if (!o.state.empty()) inputs.push_back({"--state", o.state + "/run.json"});
    return inputs;
}

}  // namespace

std::vector<NamedPath> outputs_of(const RunOptions& o) {
    std::vector<NamedPath> outputs{
        {"--save", o.save}, {"--report", o.report_html}, {"--report", o.report_json}, {"--logits", o.logits}};
    std::erase_if(outputs, [](const NamedPath& output) { return output.path.empty(); });
    return outputs;
}

void check_outputs(const RunOptions& options) {
    check_outputs(outputs_of(options), inputs_of(options));
    if (options.state.empty()) return;
    RunState::check_free(options.state, options.resume);
    check_output_folder({"--state", options.state});
}

}  // namespace adaq
