// Reads a ResNet's architecture off the names and shapes of its tensors, and refuses by name what is not such a ResNet.
#pragma once

#include <map>
#include <string>

#include "engine/model.h"

namespace adaq {

/// The architecture of the torchvision ResNet whose tensors have these shapes (by torchvision's names). `folded`: with
/// convolution biases and no batch norms. DataError naming `file` and the tensor at fault: one missing, one unexpected,
/// a wrong shape, or another kind of network (grouped convolutions, a CIFAR stem, a transformer, ...).
/// `others`: what else has a name there and is no tensor, for the sentence about one that is missing.
Architecture architecture_of(const std::string& file, const std::map<std::string, Shape>& shapes, bool folded,
                             const std::map<std::string, std::string>& others = {});

}  // namespace adaq
