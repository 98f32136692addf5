// What belongs to a ResNet of a given architecture: its tensors with their shapes under torchvision's names, in network
// order, and the sites where its activations can be quantised. Readers check files against it, writers order by it.
#pragma once

#include <string>
#include <vector>

#include "engine/graph.h"
#include "engine/model.h"

namespace adaq {

struct NamedShape {
    std::string name;
    Shape shape;
};

/// Tensors in network order. `folded`: convolutions have a bias and there are no batch norms.
std::vector<NamedShape> network_tensors(const Architecture& architecture, bool folded);

/// Whether a tensor of network_tensors() is a weight that can be quantised: of a convolution or of the last layer.
inline bool is_quantisable(const NamedShape& tensor) { return tensor.shape.size() >= 2; }

/// Names of QuantisedActivation's sites, in network order: "input", "conv1", "layer1.0.conv1", ..., "layer1.0", "fc".
std::vector<std::string> activation_sites(const Architecture& architecture);

/// For people: "ResNet-18 (basic blocks 2-2-2-2, width 64, 1000 classes)".
std::string describe(const Architecture& architecture);

}  // namespace adaq
