#include "tools/run/requirements.h"

#include <algorithm>

#include "engine/error.h"

namespace adaq {

void check_requirements(const RunOptions& options, const Model& model, const std::string& path) {
    if (model.quantised()) {
        if (options.float_only) usage_error("--float: {} is quantised already, and holds no float network", path);
        if (options.quantisation_asked)
            usage_error("{}: is quantised already; options that say how to quantise do not apply", path);
        if (!options.save.empty())
            usage_error("--save {}: {} is quantised already; adaq-convert writes it in other formats", options.save,
                        path);
        if (options.images.val.empty()) usage_error("{}: is quantised already; --val is needed to evaluate it", path);
        return;
    }
    if (options.float_only) {
        if (options.images.val.empty()) usage_error("--float: --val is needed to evaluate the network");
        return;
    }
    const int bits = std::min(options.quantise.activation_bits, options.quantise.input_bits.value_or(32));
    if (options.images.calib.empty() && bits < 32)
        usage_error("--calib is needed to quantise activations to {} bits; give --calib DIR{}", bits,
                    options.quantise.deploy ? "" : ", or --a32 for float activations");
    if (!options.dry_run && options.images.val.empty() && options.save.empty() && options.report_html.empty() &&
        options.report_json.empty()) {
        usage_error(
            "nothing to do with the result: give --val to evaluate it, --save to keep it, or --report to describe "
            "it");
    }
    if (options.images.val.empty() && !options.logits.empty()) usage_error("--logits {}: needs --val", options.logits);
}

}  // namespace adaq
