// What the name of a network says of its size.
#pragma once

#include <string_view>
#include <vector>

#include "loaders/architectures/network_size.h"

namespace adaq {

/// Of a name in small letters and its family ("resnet", "vgg", ...). Numbers that are no usual size say nothing, and
/// neither does what follows them: "resnet18_tin202" has 18 layers.
std::vector<SizeInName> size_in_name(std::string_view name, std::string_view family);

}  // namespace adaq
