// What a checkpoint says about its network in words, beside the tensors.
#pragma once

#include <string>

#include "loaders/weights/pickle.h"

namespace adaq {

/// The name that the checkpoint gives its network ("arch", or an option of the training such as args.model): the first
/// one of a network that adaq does not build, or else the first one of one that it does. Empty: none says anything.
std::string network_name_in(const Pickle& pickle);

}  // namespace adaq
