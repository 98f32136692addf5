#include "engine/reconstruction/float_values.h"

namespace adaq {

Buffer FloatValues::find(const std::vector<Nodes>& units, Nodes nodes) const {
    const auto found = values_.find({units, nodes});
    return found == values_.end() ? nullptr : found->second;
}

void FloatValues::keep(const std::vector<Nodes>& units, Nodes nodes, const Buffer& values) {
    const int64_t more = element_count(values->shape()) * static_cast<int64_t>(sizeof(float));
    if (bytes_ + more > limit_ || !values_.emplace(std::pair(units, nodes), values).second) return;
    bytes_ += more;
}

}  // namespace adaq
