#include "tools/bench/random_model.h"

#include <cmath>
#include <random>

#include "loaders/architectures/resnet.h"

namespace adaq {
namespace {

/// He initialisation for weights, and batch norms that are near the identity but not exactly it.
void fill(const NamedShape& named, std::mt19937& random, Tensor& tensor) {
    const bool weight = is_quantisable(named);
    const double inputs = weight ? static_cast<double>(element_count(named.shape) / named.shape[0]) : 1.0;
    const float deviation = weight ? static_cast<float>(std::sqrt(2.0 / inputs)) : 0.05f;
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

}  // namespace adaq
