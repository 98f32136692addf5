// A network run over the whole calibration set, a stretch of nodes at a time: what later nodes read is kept, the rest
// is not. Reconstruction walks the float network and the one quantised so far side by side.
#pragma once

#include <map>
#include <vector>

#include "engine/passes/executor.h"
#include "engine/reconstruction/cache_memory.h"
#include "engine/reconstruction/float_values.h"

namespace adaq {

class CachedWalk {
  public:
    /// images: [N,H,W,C], normalised, and quantised if the network's input is a site. The network may change while the
    /// walk goes on: nodes are computed as it is then. poll: asked while they are computed.
    CachedWalk(Device& device, const Network& network, Buffer images, CacheMemory& memory, Poll poll = {});
    /// Of a network that stays as it is: takes outputs from `kept` and leaves new ones there. units: see FloatValues.
    void share(FloatValues& kept, std::vector<FloatValues::Nodes> units);

    /// Output of nodes [first, last), which read values that are kept; behind its quantiser where it is a site, as
    /// values. Kept until release().
    Buffer compute(int first, int last);
    /// Output of `node` for the first `rows` images, as its quantiser would see it, by nodes [first, node] from values
    /// that are kept; not kept itself.
    Buffer sample(int first, int node, int64_t rows);
    /// Forgets what no node from `next` on reads.
    void release(int next);
    /// A value that is kept.
    Buffer value(ValueId id) const { return values_.at(id); }

  private:
    Shape batched(ValueId id, int64_t batch) const;
    /// What nodes [first, last) read from before.
    std::vector<ValueId> inputs(int first, int last) const;

    Device& device_;
    const Network& network_;
    CacheMemory& memory_;
    const Poll poll_;
    Indexed<Shape> shapes_;
    Indexed<int> last_reader_;  // by value
    std::map<ValueId, Buffer> values_;
    FloatValues* kept_ = nullptr;
    std::vector<FloatValues::Nodes> units_;
};

/// The first rows of a tensor; the tensor itself where it has no more.
Buffer first_rows(Device& device, const Buffer& values, int64_t rows);

}  // namespace adaq
