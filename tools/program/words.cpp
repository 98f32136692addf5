// See words.h.
#include "tools/program/words.h"

#include <map>
#include <set>

namespace adaq {
namespace {

/// Called as their fields are, but for the dashes.
const std::set<std::string, std::less<>> kFields{"act_bits",
                                                 "act_scheme",
                                                 "act_sites",
                                                 "arch",
                                                 "batch",
                                                 "bits",
                                                 "bn",
                                                 "calib",
                                                 "calib_augment",
                                                 "calib_views",
                                                 "checkpoint_key",
                                                 "class_order",
                                                 "classes",
                                                 "compare_nearest",
                                                 "correction_lambda",
                                                 "correction_steps",
                                                 "crop",
                                                 "deploy",
                                                 "device",
                                                 "distribution_correction",
                                                 "edge_acts",
                                                 "encodings",
                                                 "float",
                                                 "fold",
                                                 "granularity",
                                                 "head_stem_8bit",
                                                 "images",
                                                 "input_bits",
                                                 "interpolation",
                                                 "iters",
                                                 "iters_scale",
                                                 "keep_input",
                                                 "keep_quantised",
                                                 "label_offset",
                                                 "lambda",
                                                 "logits",
                                                 "loss",
                                                 "loss_exponent",
                                                 "lr",
                                                 "lr_channel",
                                                 "lr_scale",
                                                 "lr_scale_schedule",
                                                 "lsq_grad_scale",
                                                 "math",
                                                 "mean",
                                                 "memory",
                                                 "method",
                                                 "minibatch",
                                                 "onnx_input",
                                                 "p",
                                                 "pack",
                                                 "pd_lambda",
                                                 "pd_temperature",
                                                 "replacement",
                                                 "report",
                                                 "resize",
                                                 "resume",
                                                 "rounding_init",
                                                 "save",
                                                 "scale_exponent",
                                                 "scheme",
                                                 "seed",
                                                 "state",
                                                 "std",
                                                 "symmetric",
                                                 "threads",
                                                 "unit",
                                                 "val",
                                                 "val_images",
                                                 "val_labels",
                                                 "warm_up",
                                                 "weights",
                                                 "wgmma"};

const std::map<std::string, std::string, std::less<>> kOthers{{"target", "--for"},
                                                              {"weight_bits", "--w"},
                                                              {"activation_bits", "--a"},
                                                              {"activation_bits = 7", "--a7"},
                                                              {"fold = false", "--no-fold"}};

}  // namespace

std::string with_option_names(std::string_view sentence) {
    std::string text;
    while (true) {
        const size_t from = sentence.find('`');
        const size_t to = from == std::string_view::npos ? from : sentence.find('`', from + 1);
        if (to == std::string_view::npos) break;
        const std::string_view word = sentence.substr(from + 1, to - from - 1);
        const auto other = kOthers.find(word);
        std::string name(word);
        if (other != kOthers.end()) {
            name = other->second;
        } else if (kFields.find(word) != kFields.end()) {
            for (char& c : name) c = c == '_' ? '-' : c;
            name = "--" + name;
        } else {  // the second backquote may begin a name
            text += sentence.substr(0, to);
            sentence.remove_prefix(to);
            continue;
        }
        text += sentence.substr(0, from);
        text += name;
        sentence.remove_prefix(to + 1);
    }
    return text += sentence;
}

}  // namespace adaq
