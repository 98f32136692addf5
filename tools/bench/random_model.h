// A ResNet18 for timing, when no weights are given.
#pragma once

#include "engine/graph/model.h"

namespace adaq {

/// torchvision's ResNet18 with 1,000 classes and seeded random weights, scaled so that activations neither vanish
/// (denormal numbers are slow) nor explode from layer to layer.
StoredModel random_resnet18();

}  // namespace adaq
