// What the float network gives behind each unit on the calibration set, kept for the next reconstruction of the same
// network on the same images (the cells of a table): targets are computed once. A walk only finds what a walk with the
// same units has left, so that what was computed before changes no bit.
#pragma once

#include <map>
#include <utility>
#include <vector>

#include "engine/program/device.h"

namespace adaq {

class FloatValues {
  public:
    using Nodes = std::pair<int, int>;  // [first, last)

    /// Keeps values in the device's memory up to so many bytes.
    explicit FloatValues(int64_t limit_bytes) : limit_(limit_bytes) {}

    /// The output of `nodes` in a walk with these units; null where it is not kept.
    Buffer find(const std::vector<Nodes>& units, Nodes nodes) const;
    /// Keeps it if there is room. Nobody writes to it any more.
    void keep(const std::vector<Nodes>& units, Nodes nodes, const Buffer& values);

    int64_t bytes() const { return bytes_; }

  private:
    int64_t limit_, bytes_ = 0;
    std::map<std::pair<std::vector<Nodes>, Nodes>, Buffer> values_;
};

}  // namespace adaq
