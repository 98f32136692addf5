// The checks before writing; see writable.h.
#include "loaders/weights/writable.h"

#include "engine/error.h"
#include "loaders/weights/checks.h"
#include "loaders/weights/flat_header.h"
#include "loaders/weights/json_field.h"

namespace adaq {

void check_writable(const std::string& path, const StoredModel& model) {
    check_model(path, model);
    check_class_names(path, model.class_names, classes_of(model.graph));
    if (model.preprocessing)
        (void)parse_preprocessing(path, "preprocessing", preprocessing_json(*model.preprocessing),
                                  model.graph.input_channels);
    const nlohmann::json extra = parse_json_object(path, "the extra header", model.extra);
    for (const auto& [key, value] : extra.items())
        if (is_flat_key(key)) data_error("{}: \"{}\" among the extra header keys, which adaq writes itself", path, key);
    if (model.quantisation) (void)parse_json_object(path, "the settings", model.quantisation->settings);
}

}  // namespace adaq
