// Quantisation by rounding to nearest: weights to the range that a scheme chooses, activations to the range that it
// chooses on calibration images. Every other method starts from here.
#pragma once

#include <functional>
#include <map>
#include <string>

#include "engine/graph/network.h"
#include "engine/passes/sites.h"
#include "engine/schemes/scheme.h"

namespace adaq {

struct WeightOptions {
    SchemeOptions range;  // range.bits is that of all layers but those below
    bool per_channel = true;
    bool head_stem_8bit = false;
    std::map<std::string, int> bits = {};  // of single layers, by name, whatever the above says
    bool deployed = false;                 // those of 8 bits are symmetric, -127 ... 127
};

/// Throws UsageError where `bits` (as WeightOptions has them) names no layer.
void check_layer_names(const Network& network, const std::map<std::string, int>& bits);

/// Called before each part of the work, a layer or a node, with its name; may throw to stop.
using PartObserver = std::function<void(const std::string& name)>;

/// Chooses a range for every layer's weight and rounds it. Throws DataError naming a weight that is not finite, and as
/// check_layer_names() does.
void quantise_weights(Device& device, Network& network, const WeightOptions& options,
                      const PartObserver& before_layer = {});

/// The quantiser of one activation site from what it sees. range.bits is not looked at.
QuantisedActivation choose_activation(Device& device, const DeviceTensor& values, SchemeOptions range, int bits,
                                      const std::string& name);

/// Called with each site's values before they are quantised; the site's quantiser is set in the network.
using SiteObserver = std::function<void(ValueId site, const DeviceTensor& values)>;

/// Chooses a range for each site, one after the other in order of data flow, each behind the sites already started
/// (docs/arithmetic.md section 4, nearest), from images [N,H,W,C]. range.bits is not looked at: each site has its own.
void start_activations(Device& device, Network& network, const Tensor& images, const std::vector<Site>& sites,
                       const SchemeOptions& range, const SiteObserver& observe = {},
                       const PartObserver& before_node = {});
/// The same with images that are on the device already.
void start_activations(Device& device, Network& network, const Buffer& images, const std::vector<Site>& sites,
                       const SchemeOptions& range, const SiteObserver& observe = {},
                       const PartObserver& before_node = {});

/// Signal-to-quantisation-noise ratio in dB of each layer's output (by Node::layer), the float network against the
/// quantised one, both fed the same images.
std::vector<double> output_sqnr(Device& device, const Network& original, const Network& quantised, const Tensor& images,
                                const PartObserver& before_node = {});

}  // namespace adaq
