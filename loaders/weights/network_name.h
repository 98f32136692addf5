// What a checkpoint calls its network (timm's and Lightning's "arch": "resnet50"), against what its tensors cannot
// tell: networks that have a ResNet's tensors and compute something else with them.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace adaq {

/// Why a network of this name is none that adaq builds: "blur pooling". Nothing for ResNets ("resnet50.tv_in1k",
/// "torchvision.models.resnet18") and for names that say nothing ("best", "my_model").
std::optional<std::string> other_network(std::string_view name);

}  // namespace adaq
