// What is timed when no weights are given: a ResNet18, images, and the quantised network.
#pragma once

#include "engine/graph/network.h"
#include "engine/program/device.h"

namespace adaq {

/// torchvision's ResNet18 with 1,000 classes and seeded random weights, scaled so that activations neither vanish
/// (denormal numbers are slow) nor explode from layer to layer.
StoredModel random_resnet18();

/// What normalised images look like to arithmetic.
Tensor random_images(int64_t count, int64_t edge, int64_t channels);

/// 4-bit weights, 8-bit activations, ranges from a few random images. The scheme is the cheapest: it does not change
/// what is computed afterwards.
Network quantised_w4a8(Device& device, const Network& network, int edge, int input_bits = 32);

}  // namespace adaq
