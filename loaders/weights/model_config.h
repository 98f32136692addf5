// The config.json that timm and Hugging Face's transformers put beside a file of weights.
#pragma once

#include <string>

#include "loaders/weights/network_name.h"

namespace adaq {

/// What it says of the network in the weights file beside it: timm's architecture, or a ResNet of transformers, whose
/// activations and strides are its settings. Without a name: there is none, or it says nothing of networks.
NamedNetwork network_named_beside(const std::string& weights_path);

}  // namespace adaq
