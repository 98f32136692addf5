// Where the scales of activations start: at what the range scheme chooses on calibration images, site after site in
// order of data flow, each behind the sites already started (docs/arithmetic.md section 4).
#pragma once

#include "engine/nearest.h"
#include "engine/reconstruction/cached_walk.h"

namespace adaq {

class ScaleStarter {
  public:
    /// network: whose sites receive their quantisers. range.bits is not looked at: each site has its own. poll: asked
    /// before each of them, and while values are computed.
    ScaleStarter(Device& device, Network& network, const std::vector<Site>& sites, const SchemeOptions& range,
                 Poll poll = {});

    /// The image's quantiser, where the network's input is a site.
    void image(const DeviceTensor& images);
    /// The images as that quantiser leaves them; as they are where there is none.
    Buffer quantised_image(const Buffer& image, CacheMemory& memory) const;

    /// Sites of nodes [first, last), on the walk's values of the first `images`.
    void in_turn(CachedWalk& walk, int first, int last, int64_t images);
    /// All sites, those of each unit on the float network's values: a unit sees no other unit's quantisers.
    void in_float_network(const Network& original, const Buffer& images);
    /// All sites, the image's too, in the network as it is.
    void in_quantised_network(const Buffer& images);
    /// Shows each site's values before its quantiser in the network as it is now.
    void show(const Buffer& images, const SiteObserver& observe) const;

  private:
    bool is_site(ValueId value) const { return bits_[value] < 32; }
    void choose(ValueId value, const DeviceTensor& values);
    /// Each site's values but the image's, once; a quantiser that is chosen on them counts from there on.
    void at_each_site(const Buffer& images, const SiteObserver& visit) const;

    Device& device_;
    Network& network_;
    SchemeOptions range_;
    Poll poll_;
    Indexed<int> bits_;  // by value; 32: no site
};

}  // namespace adaq
