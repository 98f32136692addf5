// What a checkpoint says about its network in words, beside the tensors.
#pragma once

#include "loaders/weights/network_name.h"
#include "loaders/weights/pickle.h"

namespace adaq {

/// The name that the checkpoint gives its network ("arch", or an option of the training such as args.model): the first
/// one of a network that adaq does not build, or else the first one of one that it does. Without a name: none says
/// anything.
NamedNetwork network_named_in(const Pickle& pickle);

}  // namespace adaq
