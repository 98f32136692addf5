// What a checkpoint says about its network in words, beside the tensors.
#pragma once

#include <string>

#include "loaders/weights/pickle.h"

namespace adaq {

/// The name that the checkpoint gives its network ("arch", or an option of the training such as args.model), where that
/// is the name of one that adaq does not build: "resnetblur50 (blur pooling)". Else empty.
std::string other_network_in(const Pickle& pickle);

}  // namespace adaq
