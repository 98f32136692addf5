// See check_work.h.
#include "adaq/settings/check_work.h"

#include <algorithm>

#include "adaq/data/image_sets.h"
#include "adaq/settings/option_table.h"
#include "adaq/state/model_state.h"
#include "engine/error.h"
#include "engine/nearest.h"

namespace adaq {
namespace {

void check_images_are_there(const Settings& s, const ImageSets& images) {
    if (images.calibrates()) return;
    if (s.learns()) usage_error("`method` {}: `calib` is needed to learn from", s.method);
    if (s.activation_bits < kFloatBits || s.input_bits < kFloatBits)
        usage_error("`calib` is needed to quantise activations to {} bits; without it leave them float, at 32",
                    std::min(s.activation_bits, s.input_bits));
}

/// What an activation function leaves behind has no negative values, whatever the images.
void check_signs(const Settings& s, const Graph& graph, const std::vector<Site>& sites) {
    for (const Site& site : sites) {
        if (site.value == kImage) continue;
        const Activation& activation = graph.node(Graph::producer_of(site.value)).activation;
        if (!activation || activation.lowest() < 0.0f) continue;
        const std::string& name = value_name(graph, site.value);
        check_one_sided(s.activation_range(), "the activation " + name);
        if (s.deployment == Deployment::tensorrt && site.bits == 8)
            usage_error("`act_bits` {}=8: has no sign, and of such activations TensorRT's int8 holds 7 bits", name);
    }
}

void check_images(const Settings& s, const Graph& graph, const ImageSets& images) {
    const ImageSets::State& state = images.state();
    const int views = s.recipe.views;
    if (state.calibration()->holds_inputs() && (views > 1 || s.calib_augment))
        usage_error("`{}`: inputs that are normalised already can only be learned from as they are; leave it {}",
                    s.calib_augment ? "calib_augment" : "calib_views", s.calib_augment ? "out" : "at 1");
    check_calibration_count(*state.calibration(), s.images);
    value_shapes(graph, images.height(), images.width());
}

}  // namespace

void check_work(const Settings& s, const Model& unfitted, const ImageSets& images) {
    about("weights", [&] {
        if (unfitted.quantised())
            usage_error("{}: is quantised already", unfitted.file().empty() ? "the model" : unfitted.file());
    });
    check_images_are_there(s, images);
    const Model model = fitted_to(unfitted, images.height(), images.width());
    const Network& network = model.state().network(s.fold);
    check_layer_names(network, s.bits);
    const std::vector<Site> sites = activation_sites(network.graph, s.site_options());
    check_signs(s, network.graph, sites);
    if (images.calibrates() && s.looks_at_images(!sites.empty())) check_images(s, network.graph, images);
}

}  // namespace adaq
