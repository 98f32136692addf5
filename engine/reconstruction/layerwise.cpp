#include "engine/reconstruction/layerwise.h"

#include <algorithm>

#include "engine/node_walk.h"

namespace adaq {
namespace {

/// The first rows of a tensor.
Buffer first_rows(Device& device, const Buffer& values, int64_t rows) {
    if (values->shape()[0] <= rows) return values;
    Shape shape = values->shape();
    shape[0] = rows;
    const Buffer part = device.create(shape);
    Program program;
    program.add(Gather{program.rows(program.bind(values), 0, rows), program.bind(part)});
    device.compile(program)->run();
    return part;
}

/// The images as the network's input quantiser leaves them, if there is one.
Tensor quantised_images(Device& device, Network& network, const Tensor& images, const LayerwiseOptions& options) {
    const auto site = std::find_if(options.sites.begin(), options.sites.end(),
                                   [](const Site& s) { return s.value == kImage && s.bits < 32; });
    if (site == options.sites.end()) return images;
    const Buffer buffer = device.create(images.shape);
    device.upload(*buffer, images.values);
    const QuantisedActivation q =
        choose_activation(device, *first_rows(device, buffer, options.scale_images), options.activation_range,
                          site->bits, site_name(network.graph, kImage));
    Tensor quantised = images;
    for (float& x : quantised.values) x = fake_quantise(x, q.scale, q.zero_point, q.grid.qmin(), q.grid.qmax());
    network.values[kImage] = q;
    return quantised;
}

class Layerwise {
  public:
    Layerwise(Device& device, const Network& original, Network& network, const Tensor& images,
              const LayerwiseOptions& options, const LayerwiseObserver& observer)
        : device_(device),
          network_(network),
          options_(options),
          observer_(observer),
          shapes_(value_shapes(network, images.shape[1], images.shape[2])),
          bits_(network.values.size(), 32),
          exact_(device, original, images, StoredAs::values),
          rounded_(device, network, quantised_images(device, network, images, options), StoredAs::values) {
        for (const Site& site : options.sites) bits_[static_cast<size_t>(site.value)] = site.bits;
    }

    void run() {
        for (int i = 0; i < static_cast<int>(network_.graph.nodes.size()); ++i) {
            const Node& node = network_.graph.nodes[static_cast<size_t>(i)];
            const Buffer target = exact_.compute(i), before = rounded_.compute(i);
            start_scale(Graph::output_of(i), before);
            if (node.layer >= 0) {
                learn(i, node, target);
                rounded_.compute(i);  // now with its learned weight
            }
            exact_.settle(i);
            rounded_.settle(i);
        }
    }

  private:
    void start_scale(ValueId value, const Buffer& values) {
        const int bits = bits_[static_cast<size_t>(value)];
        if (bits == 32) return;
        network_.values[static_cast<size_t>(value)] =
            choose_activation(device_, *first_rows(device_, values, options_.scale_images), options_.activation_range,
                              bits, site_name(network_.graph, value));
        if (observer_.site) observer_.site(value, *values);
    }

    void learn(int index, const Node& node, const Buffer& target) {
        if (observer_.begin) observer_.begin(node.name);
        const Stretch stretch{node.name, index, index + 1, node.inputs[0], static_cast<uint32_t>(node.layer)};
        UnitTrainer trainer(device_, network_, stretch, options_.unit,
                            {rounded_.value(node.inputs[0]), nullptr, target}, shapes_);
        trainer.run(observer_.progress);
        trainer.freeze(network_);
        if (observer_.end) observer_.end(trainer);
    }

    Device& device_;
    Network& network_;
    const LayerwiseOptions& options_;
    const LayerwiseObserver& observer_;
    std::vector<Shape> shapes_;
    std::vector<int> bits_;  // by value
    NodeWalk exact_, rounded_;
};

}  // namespace

void reconstruct_layers(Device& device, const Network& original, Network& network, const Tensor& images,
                        const LayerwiseOptions& options, const LayerwiseObserver& observer) {
    Layerwise(device, original, network, images, options, observer).run();
}

}  // namespace adaq
