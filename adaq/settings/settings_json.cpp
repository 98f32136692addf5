// Every setting as JSON: what the report, the saved file and the state folder record.
#include <nlohmann/json.hpp>

#include "adaq/settings/option_names.h"
#include "adaq/settings/recipe_options.h"
#include "adaq/settings/settings.h"

namespace adaq {

std::string settings_json(const Settings& o, const ImageOptions& images, const DeviceOptions& options,
                          const Device& device) {
    nlohmann::ordered_json settings{{"method", o.method},
                                    {"weight_bits", o.weight_bits},
                                    {"activation_bits", o.activation_bits},
                                    {"input_bits", o.input_bits},
                                    {"scheme", o.scheme},
                                    {"act_scheme", o.act_scheme},
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
                                    {"batch", options.batch},
                                    {"threads", thread_count(options.threads)},
                                    {"device", device.name()},
                                    {"processor", device.description()},
                                    {"math", device.name() == "reference" ? "fp64" : options.math},
                                    {"build", "adaq " ADAQ_VERSION ", g++ " __VERSION__}};
    if (o.deployed()) settings["deploy"] = name_of(kDeployments, o.deployment);
    if (images.class_order) settings["class_order"] = *images.class_order;
    if (images.label_offset != 0) settings["label_offset"] = images.label_offset;
    if (!o.bits.empty()) settings["bits"] = o.bits;
    if (!o.act_bits.empty()) settings["act_bits"] = o.act_bits;
    if (o.learns()) settings.update(recipe_json(o.recipe));
    // Names may hold anything; JSON holds UTF-8.
    return settings.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

}  // namespace adaq
