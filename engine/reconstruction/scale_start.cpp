#include "engine/reconstruction/scale_start.h"

#include <limits>

namespace adaq {

ScaleStarter::ScaleStarter(Device& device, Network& network, const std::vector<Site>& sites, const SchemeOptions& range,
                           Poll poll)
    : device_(device), network_(network), range_(range), poll_(std::move(poll)), bits_(network.values.size(), 32) {
    for (const Site& site : sites) bits_[site.value] = site.bits;
}

void ScaleStarter::choose(ValueId value, const DeviceTensor& values) {
    if (poll_) poll_();
    network_.values[value] =
        choose_activation(device_, values, range_, bits_[value], value_name(network_.graph, value));
}

void ScaleStarter::image(const DeviceTensor& images) {
    if (is_site(kImage)) choose(kImage, images);
}

Buffer ScaleStarter::quantised_image(const Buffer& image, CacheMemory& memory) const {
    if (!network_.values[kImage]) return image;
    const Buffer values = memory.create(image->shape());
    quantise(device_, *network_.values[kImage], image, values, false);
    return values;
}

void ScaleStarter::in_turn(CachedWalk& walk, int first, int last, int64_t images) {
    for (int i = first; i < last; ++i) {
        const ValueId value = Graph::output_of(i);
        if (is_site(value)) choose(value, *walk.sample(first, i, images));
    }
}

void ScaleStarter::in_float_network(const Network& original, const Buffer& images) {
    Network started = original;
    CacheMemory memory(device_, std::numeric_limits<int64_t>::max());
    CachedWalk walk(device_, started, images, memory, poll_);
    const auto& nodes = original.graph.nodes;
    const int count = static_cast<int>(nodes.size());
    for (int first = 0, last; first < count; first = last) {
        last = first + 1;
        const int unit = nodes[first].unit;
        if (unit >= 0) last = original.graph.units[unit].last;
        for (int i = first; i < last; ++i) {
            const ValueId value = Graph::output_of(i);
            if (!is_site(value)) continue;
            choose(value, *walk.sample(first, i, images->shape()[0]));
            started.values[value] = network_.values[value];
        }
        started.values = original.values;
        walk.compute(first, last);
        walk.release(last);
    }
}

void ScaleStarter::in_quantised_network(const Buffer& images) {
    image(*images);
    at_each_site(images, [this](ValueId value, const DeviceTensor& values) { choose(value, values); });
}

void ScaleStarter::show(const Buffer& images, const SiteObserver& observe) const {
    if (is_site(kImage)) observe(kImage, *images);
    at_each_site(images, observe);
}

void ScaleStarter::at_each_site(const Buffer& images, const SiteObserver& visit) const {
    CacheMemory memory(device_, std::numeric_limits<int64_t>::max());
    CachedWalk walk(device_, network_, quantised_image(images, memory), memory, poll_);
    for (int i = 0; i < network_.graph.node_count(); ++i) {
        const ValueId value = Graph::output_of(i);
        if (is_site(value)) visit(value, *walk.sample(i, i, images->shape()[0]));
        walk.compute(i, i + 1);
        walk.release(i + 1);
    }
}

}  // namespace adaq
