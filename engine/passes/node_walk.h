// A network run node by node over a fixed batch of images: calibration and per-layer statistics look at each value on
// the way. Values are freed after their last reader, so memory holds a few of them at a time.
#pragma once

#include <map>

#include "engine/passes/executor.h"

namespace adaq {

class NodeWalk {
  public:
    /// images: [N,H,W,C], normalised. The network's activation quantisers may be set while the walk goes on: a value's
    /// is read when settle() is called for its node, the image's when the walk begins.
    NodeWalk(Device& device, const Network& network, const Tensor& images);
    /// The same with images that are on the device already; they stay as they are.
    NodeWalk(Device& device, const Network& network, const Buffer& images);

    /// Computes the next node's output as its quantiser (if any) will see it; the walk goes through the nodes in order.
    /// Computing it again before it is settled takes the network as it is then.
    Buffer compute(int node);
    /// Quantises that output in place, to integer codes, where it is a site, and frees what no later node reads.
    void settle(int node);
    /// A settled value that a later node reads, or the image; codes where it is a site.
    Buffer value(ValueId id) const { return values_.at(id).buffer; }

  private:
    Device& device_;
    const Network& network_;
    Indexed<Shape> shapes_;
    int64_t batch_;
    Indexed<int> last_reader_;  // by value
    std::map<ValueId, StoredValue> values_;
};

}  // namespace adaq
