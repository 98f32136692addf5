// Other libraries' names of the tensors of networks that torchvision has, too.
#pragma once

#include <string>
#include <vector>

#include "loaders/architectures/named_tensors.h"

namespace adaq {

/// In `from`, '*' at the end of a part between dots stands for a number, as the last part for whatever is there; in
/// `to`, {1} is what the first one stands for, {2+1} and {2-1} the second's number with one added or taken off.
struct Renaming {
    const char *from, *to;
};

/// The name that the first renaming which fits gives; `name` where none does.
std::string renamed(const std::string& name, const std::vector<Renaming>& renamings);

/// Hugging Face's ResNets, without the prefix resnet.
const std::vector<Renaming>& hugging_face_resnet();
/// pycls's and timm's RegNets.
const std::vector<Renaming>& pycls_regnet();
/// timm's MNASNet.
const std::vector<Renaming>& timm_mnasnet();

/// timm's MobileNetV2 becomes torchvision's. Its names say how many blocks each stage has, which comes back.
std::vector<int> rename_timm_mobilenet_v2(NamedTensors& tensors);
/// The same of the MobileNetV2 whose blocks are plain sequences (features.2.conv.0 to .7), as most papers have it.
void rename_flat_mobilenet_v2(NamedTensors& tensors);

}  // namespace adaq
