#include "engine/reconstruction/recipe.h"

#include <algorithm>

#include "engine/error.h"

namespace adaq {
namespace {

/// arXiv 2004.10568, and the rows published with it.
Recipe adaround() {
    Recipe r;
    r.learn.schedule.rounding_rate = 1e-2;
    r.learn.schedule.scale_rate = 1e-3;
    r.learn.learn_scales = true;
    r.edges = EdgeActivations::stem;
    return r;
}

/// What brecq, qdrop and pdquant have in common.
Recipe of_blocks() {
    Recipe r;
    r.units = UnitKind::blocks;
    r.learn.loss = Reconstruction::channel_sum;
    r.learn.lambda = 0.01;
    r.learn.schedule.rounding_rate = 1e-3;
    r.fold = true;
    return r;
}

/// arXiv 2102.05426.
Recipe brecq() {
    Recipe r = of_blocks();
    r.scales = r.learn;
    r.scales->learn_rounding = false;
    r.scales->learn_scales = true;
    r.scales->exponent = 2.4;
    r.scales->phase = 1;
    r.scales->schedule.iterations = 5000;
    r.scales->schedule.scale_rate = 4e-4;
    r.scales->schedule.cosine_scale_rate = true;
    r.scale_start = ScaleStart::after_weights;
    r.scale_images = 64;
    r.leave_stem = true;
    r.scheme = "lp";
    r.edges = EdgeActivations::stem;
    return r;
}

/// arXiv 2203.05740.
Recipe qdrop() {
    Recipe r = of_blocks();
    r.learn.learn_scales = true;
    r.learn.schedule.scale_rate = 4e-5;
    r.learn.schedule.cosine_scale_rate = true;
    r.learn.replacement = true;
    r.learn.keep_input = r.learn.keep_quantised = 0.5f;
    r.learn.scale_gradient_factor = true;
    r.scale_start = ScaleStart::float_network;
    r.scheme = "orgnorm";
    return r;
}

/// arXiv 2212.07048.
Recipe pdquant() {
    Recipe r = qdrop();
    r.learn.schedule.rounding_rate = 3e-3;
    r.learn.scale_gradient_factor = false;
    r.learn.prediction = PredictionDifference{};
    r.scale_start = ScaleStart::in_turn;
    return r;
}

/// Our own: QDrop's loop with rates for few iterations, on four views of each image, and what a channel has to itself
/// learned with the rounding.
/// Chosen on images that neither calibrate nor validate (tools/search_settings.py; docs/accuracy.md).
Recipe best() {
    Recipe r = qdrop();
    r.learn.schedule.iterations = 2000;
    r.learn.schedule.rounding_rate = 2e-2;
    r.learn.schedule.scale_rate = 4e-4;
    r.learn.schedule.channel_rate = 4e-3;
    r.learn.learn_channels = true;
    r.views = 4;
    r.edges = EdgeActivations::stem;
    return r;
}

}  // namespace

const std::vector<std::string>& recipe_names() {
    static const std::vector<std::string> names{"adaround", "brecq", "qdrop", "pdquant", "best"};
    return names;
}

Recipe recipe(const std::string& method) {
    if (method == "adaround") return adaround();
    if (method == "brecq") return brecq();
    if (method == "qdrop") return qdrop();
    if (method == "pdquant") return pdquant();
    require(method == "best", "recipe: no method {}", method);
    return best();
}

}  // namespace adaq
