// Every setting of a run as JSON (options.h): what the report, the saved file and the state folder record.
#include <nlohmann/json.hpp>

#include "tools/run/learning_options.h"
#include "tools/run/option_names.h"
#include "tools/run/options.h"

namespace adaq {

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
    if (o.class_order) settings["class_order"] = name_of(kClassOrders, *o.class_order);
    if (o.label_offset != 0) settings["label_offset"] = o.label_offset;
    if (!o.layer_bits.empty()) settings["bits"] = o.layer_bits;
    if (!o.site_bits.empty()) settings["act_bits"] = o.site_bits;
    if (o.learns()) settings.update(recipe_json(o.recipe));
    return settings.dump();
}

}  // namespace adaq
