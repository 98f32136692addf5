// See save_settings.h.
#include "adaq/settings/save_settings.h"

#include <algorithm>

#include "adaq/settings/option_table.h"

#include "engine/error.h"

namespace adaq {
namespace {

template <typename Choice, size_t N>
Choice choice_of(const std::array<const char*, N>& names, const std::string& word) {
    return static_cast<Choice>(std::find(names.begin(), names.end(), word) - names.begin());
}

}  // namespace

OnnxOptions onnx_options(const SaveOptions& options) {
    check_word("target", options.target);
    check_word("onnx_input", options.onnx_input);
    check_word("encodings", options.encodings);
    OnnxOptions made{choice_of<OnnxTarget>(kOnnxTargetNames, options.target),
                     choice_of<OnnxInput>(kOnnxInputNames, options.onnx_input), options.pack,
                     options.encodings == "aimet"};
    if (made.aimet_encodings && (made.pack || made.target != OnnxTarget::any))
        usage_error("`encodings` aimet: the network beside them is float; `target` and `pack` do not go with it");
    if (made.pack && made.target == OnnxTarget::tensorrt)
        usage_error("`pack`: TensorRT takes packed weights of matrix products alone");
    return made;
}

}  // namespace adaq
