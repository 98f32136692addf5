// What the name of a network ("resnet50", as timm and Lightning keep it under "arch") says that its tensors cannot
// tell: networks that have a ResNet's tensors and compute something else with them.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "loaders/architectures/network_size.h"

namespace adaq {

struct NamedNetwork {
    std::string name = {};
    std::string family = {};  // that adaq builds: "resnet", "mobilenet_v2"; empty: the name says nothing
    std::string other = {};   // why a network of this name is none that adaq builds: "blur pooling"; empty: it is
    int output_stride = 0;    // of a ResNet whose windows widen in place of strides: 8 or 16; 0: it strides
    std::vector<SizeInName> size = {};  // which its tensors have to bear out
};

/// Of "resnet50.tv_in1k", "torchvision.models.resnext50_32x4d", "resnet50_os8". Names such as "best" or "my_model" say
/// nothing.
NamedNetwork network_named(std::string_view name);

}  // namespace adaq
