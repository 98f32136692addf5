#include "loaders/architectures/network_size.h"

namespace adaq {

std::string contradicted(const std::vector<SizeInName>& name, const NetworkSize& tensors) {
    for (const SizeInName& fact : name) {
        const auto found = tensors.find(fact.of);
        if (found != tensors.end() && found->second != fact.value) return fact.text;
    }
    return "";
}

}  // namespace adaq
