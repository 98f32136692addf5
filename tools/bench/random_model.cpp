#include "tools/bench/random_model.h"

#include <cmath>
#include <random>

#include "engine/nearest.h"
#include "engine/passes/sites.h"
#include "loaders/architectures/resnet.h"

namespace adaq {
namespace {

/// He initialisation for weights, and batch norms that are near the identity but not exactly it.
void fill(const NamedShape& named, std::mt19937& random, Tensor& tensor) {
    const bool weight = is_quantisable(named);
    const int64_t inputs = weight ? element_count(named.shape) / named.shape[0] : 1;
    const float deviation = weight ? static_cast<float>(std::sqrt(2.0 / static_cast<double>(inputs))) : 0.05f;
    const bool around_one = !weight && (named.name.ends_with(".weight") || named.name.ends_with(".running_var"));
    std::normal_distribution<float> normal(around_one ? 1.0f : 0.0f, deviation);
    for (float& value : tensor.values) value = normal(random);
}

}  // namespace

StoredModel random_resnet18() {
    StoredModel model;
    model.graph = resnet_graph({BlockKind::basic, {2, 2, 2, 2}, 64, 1000, 3});
    std::mt19937 random(18);
    for (const NamedShape& named : parameters_of(model.graph)) {
        fill(named, random, model.tensors[named.name] = Tensor(named.shape));
    }
    return model;
}

Tensor random_images(int64_t count, int64_t edge, int64_t channels) {
    Tensor images({count, edge, edge, channels});
    std::minstd_rand random(7);
    std::uniform_real_distribution<float> uniform(-2.0f, 2.0f);
    for (float& value : images.values) value = uniform(random);
    return images;
}

Network quantised_w4a8(Device& device, const Network& network, int edge, int input_bits) {
    constexpr int kCalibrationImages = 4;
    Network quantised = network;
    quantise_weights(device, quantised, {{"minmax", 4}});
    SiteOptions sites;
    sites.bits = 8;
    sites.input_bits = input_bits;
    start_activations(device, quantised, random_images(kCalibrationImages, edge, network.graph.input_channels),
                      activation_sites(network.graph, sites), {"minmax", 8});
    return quantised;
}

}  // namespace adaq
