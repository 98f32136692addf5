// What a Quantised (adaq/quantise.h) holds: the networks, what reports tell of them, and what is left to compare.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "adaq/data/image_sets.h"
#include "adaq/quantise.h"
#include "adaq/settings/settings.h"
#include "adaq/state/model_state.h"
#include "engine/nearest.h"

namespace adaq {

struct Quantised::State {
    Model model;  // the float one
    ImageSets images;
    Settings settings;
    std::string settings_json;
    Network network = {};
    std::optional<Network> nearest = {};  // beside a network that learns
    Indexed<Shape> shapes = {};           // of the values, by the images that were seen; empty: none were
    std::vector<double> output_sqnr = {};
    std::optional<Tensor> compared_images = {};  // on which layers are to be compared
    Report report = {};                          // but for what describe_layers() adds,
    std::string chance_warning = {};             // and for this note on the last evaluation

    const Network& original() const { return model.state().network(settings.fold); }
};

}  // namespace adaq
